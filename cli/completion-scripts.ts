// The scripts that let a shell ask `pfs __complete`.

const SCRIPTS: Readonly<Record<string, string>> = {
  // Bash breaks words at "@" and ":" and wants what follows the last break; an "@" itself belongs to that.
  bash: `_pfs() {
  local IFS=$' \\t\\n' line=\${COMP_LINE:0:COMP_POINT} words cur typed='' mark
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  cur=\${words[\${#words[@]}-1]}
  for mark in @ : =; do
    if [[ $COMP_WORDBREAKS == *$mark* && $cur == *$mark* ]]; then
      local part=\${cur%"\${cur##*$mark}"}
      [[ $mark == @ ]] && part=\${part%@}
      [[ \${#part} -gt \${#typed} ]] && typed=$part
    fi
  done
  IFS=$'\\n'
  COMPREPLY=($(pfs __complete "\${words[@]:1}" 2>/dev/null))
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
  [[ \${#COMPREPLY[@]} -eq 0 ]] && compopt -o default
  COMPREPLY=("\${COMPREPLY[@]#"$typed"}")
}
complete -F _pfs pfs
`,
  zsh: `#compdef pfs
_pfs() {
  local -a answers open
  answers=("\${(@f)$(pfs __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  answers=(\${answers:#})
  open=(\${(M)answers:#*/})
  answers=(\${answers:#*/})
  if (( \${#answers} + \${#open} )); then
    compadd -S '' -- "\${open[@]}"
    compadd -- "\${answers[@]}"
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_pfs" ]; then _pfs "$@"; else compdef _pfs pfs; fi
`,
  fish: `function __pfs_complete
  set -l words (commandline -opc) (commandline -ct)
  pfs __complete $words[2..-1] 2>/dev/null
end
complete -c pfs -f -a '(__pfs_complete)'
complete -c pfs -n 'test -z "(__pfs_complete)"' -F
`,
};

/** Returns the script that sets completion up in a shell, or undefined for one not known. */
export function completionScript(shell: string): string | undefined {
  return Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
}

/** The shells that there is a script for. */
export const SHELLS: readonly string[] = Object.keys(SCRIPTS);
