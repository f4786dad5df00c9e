// The scripts that let a shell ask `pfs __complete`.

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_pfs() {
  local IFS=$'\\n'
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($(pfs __complete "\${words[@]}" 2>/dev/null))
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *@ ]] && compopt -o nospace
  [[ \${#COMPREPLY[@]} -eq 0 ]] && compopt -o default
}
complete -F _pfs pfs
`,
  zsh: `#compdef pfs
_pfs() {
  local -a answers
  answers=("\${(@f)$(pfs __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  answers=(\${answers:#})
  if (( \${#answers} )); then compadd -- "\${answers[@]}"; else _files; fi
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
