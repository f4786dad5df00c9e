// What runs as PID 1 of a warm worker, and the lines it is fed. The words of both are chosen so that dash, the
// shell of busybox and bash all do the same; it never runs user code in its own process.

import { EngineError } from '../base/errors.ts';
import { BATCH_TEXT, BATCH_WORD } from './batch-loop.ts';
import { CONTROL_MOUNT } from './control-mount.ts';
import { shellQuote } from './shell-quote.ts';

/** A longer command goes as a file: shells read a line from a pipe byte by byte. */
const MAX_LINE_BYTES = 1024;
const PLAIN_LINE = /^[\x20-\x7e]*$/;

/** The named pipes in it. */
export const COMMAND_PIPE = `${CONTROL_MOUNT}/commands`;
export const RESULT_PIPE = `${CONTROL_MOUNT}/results`;
/** The command that is no command: see {@link workerLoop}. */
export const PIPES_WORD = 'pipes';

/** Names that shells take for themselves: with such a variable, in any environment, a command goes through `env`. */
const SHELL_NAMES =
  /^(_|IFS|PS[0-4]|PWD|OLDPWD|SHLVL|CDPATH|OPT(IND|ARG|ERR)|PPID|E?UID|LINENO|RANDOM|SRANDOM|SECONDS|EPOCH.*|ENV|BASH.*|SHELLOPTS|HIST.*|FUNCNAME|FUNCNEST|GROUPS|DIRSTACK|GLOBIGNORE|POSIXLY_CORRECT|TMOUT|MAIL.*|COMP_.*|COMPREPLY|REPLY|pfs_.*)$/;
/** Of these, bash makes use when they are set, and complains about what it does not know. */
const LOCALE_NAMES = /^(LC_.*|LANG|LANGUAGE|TEXTDOMAIN.*)$/;
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A command as the loop is to run it. */
export interface LoopCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether the loop's own environment is one that its shell hands on as it is; see {@link isPlainEnvironment}. */
  readonly isPlain?: boolean;
  readonly workingDirectory: string;
  /** Path in the container of the file that becomes standard input. */
  readonly stdinPath?: string;
}

/**
 * Returns the text of the loop. The first line that it reads is its token. It prints `<nonce> 0 <oom>` once when it is
 * ready, where the nonce is its `$0`, and after that, for each pair of lines (the token and a nonce, a command; see
 * {@link commandLines}): what the command printed, then
 * `<nonce> <exit code> <oom>`, where `<oom>` counts the processes that the kernel has killed for memory so far.
 * User code can write to whatever the loop reads: lines without the token are passed over. A command after one that left
 * what can't be removed is not run, and its exit code is `gone`.
 * The command {@link PIPES_WORD} makes it read from and print to the two named pipes of its control directory from
 * there on, until the first has no writer any more. (A shell of busybox may be built to run its own programs whatever
 * stands on the PATH: then programs are looked for here.) It ends when its standard input does. `env` is what every command
 * finds in its environment.
 */
export function workerLoop(env: Readonly<Record<string, string>>): string {
  const fixed = ['HOSTNAME', 'HOME', 'PATH'].map((name) => `"${name}=$${name}"`);
  return `umask 0
pfs_run() { exec env -i ${[...fixed, ...assignments(env)].join(' ')} "$@"; }
pfs_exec() { unset PWD OLDPWD SHLVL; exec "$@"; }
if (PATH=/dev/pfs/none; exec true) 2>/dev/null; then
  pfs_exec() {
    unset PWD OLDPWD SHLVL
    case $1 in
      */*) exec "$@" ;;
    esac
    set -f; IFS=:
    for pfs_d in $PATH; do
      pfs_d=\${pfs_d:-.}
      [ -f "$pfs_d/$1" ] && [ -x "$pfs_d/$1" ] && break
      pfs_d=
    done
    unset IFS; set +f
    [ -n "$pfs_d" ] || { echo "sh: $1: not found" >&2; exit 127; }
    pfs_c=$1; shift
    exec -a "$pfs_c" "$pfs_d/$pfs_c" "$@"
  }
  (exec -a sh /bin/sh -c :) 2>/dev/null || pfs_exec() { pfs_env "$@"; }
fi
pfs_env() { unset PWD OLDPWD SHLVL; exec env "$@"; }
pfs_clean() {
  for pfs_d do
    [ ! -L "$pfs_d" ] && [ -d "$pfs_d" ] || { rm -rf "$pfs_d"; mkdir -p "$pfs_d"; chmod 1777 "$pfs_d"; }
    for pfs_f in "$pfs_d"/* "$pfs_d"/.[!.]* "$pfs_d"/..?*; do
      if [ -e "$pfs_f" ] || [ -L "$pfs_f" ]; then
        rm -rf "$pfs_d"/* "$pfs_d"/.[!.]* "$pfs_d"/..?* ||
          for pfs_f in "$pfs_d"/* "$pfs_d"/.[!.]* "$pfs_d"/..?*; do rm -rf "$pfs_f" || pfs_g=1; done
        break
      fi
    done
  done 2>/dev/null
}
pfs_kill() {
  pfs_i=0
  while kill -9 -1; do
    pfs_i=$((pfs_i + 1))
    [ $pfs_i -lt 5000 ] || exit 99
    command eval '(:)'
  done 2>/dev/null
}
pfs_oom() {
  pfs_o=0
  for pfs_f in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    if [ -r "$pfs_f" ]; then
      while read -r pfs_k pfs_v; do
        [ "$pfs_k" = oom_kill ] && pfs_o=$pfs_v
      done <"$pfs_f"
    fi
  done
}
pfs_pipes() {
  for pfs_f in ${COMMAND_PIPE} ${RESULT_PIPE}; do
    [ -p "$pfs_f" ] && [ -r "$pfs_f" ] && [ -w "$pfs_f" ] || return 1
  done
  exec 8<&0 9>&1
  exec 7<>${COMMAND_PIPE}; exec <${COMMAND_PIPE} 7<&-
  exec 7<>${RESULT_PIPE}; exec >${RESULT_PIPE} 7<&-
  pfs_p=1
}
pfs_take() {
  while IFS= read -r pfs_n; do
    case $pfs_n in
      "$pfs_t "*) pfs_n=\${pfs_n#"$pfs_t "}; IFS= read -r pfs_c; return ;;
    esac
  done
  return 1
}
${BATCH_TEXT}
IFS= read -r pfs_t
pfs_p=0
pfs_g=0
set --
for pfs_d in /tmp /var/tmp /dev/shm; do
  [ -d "$pfs_d" ] && [ ! -L "$pfs_d" ] && set -- "$@" "$pfs_d"
done
pfs_clean "$@"
pfs_x=$pfs_g
pfs_g=0
pfs_oom
echo "$0 0 $pfs_o"
while :; do
  while pfs_take; do
    if [ "$pfs_c" = ${PIPES_WORD} ]; then
      pfs_pipes; echo "$pfs_n $? $pfs_o"
      continue
    fi
    if [ $pfs_g$pfs_x = 10 ]; then
      echo "$pfs_n gone $pfs_o"
      continue
    fi
    case $pfs_c in
      "${BATCH_WORD} "*) eval "$pfs_c" ;;
      *) ( eval "$pfs_c" ) </dev/null 2>&1 8<&- 9<&- ;;
    esac
    pfs_r=$?
    pfs_kill
    pfs_oom
    echo "$pfs_n $pfs_r $pfs_o"
    pfs_clean "$@"
  done
  [ $pfs_p = 1 ] || exit 0
  pfs_p=0
  exec <&8 >&9 8<&- 9<&-
done`;
}

/** Makes what a command left unreadable readable again, where its own user can. */
export const LOOSEN_TEXT = 'exec chmod -R a+rwX /pfs/out 2>/dev/null';

/** Returns whether a shell hands these variables on to its commands as they are. */
export function isPlainEnvironment(env: Readonly<Record<string, string>>): boolean {
  return Object.keys(env).every((name) => PLAIN_NAME.test(name) && !SHELL_NAMES.test(name));
}

/**
 * Returns the shell text that empties `/pfs/out` and becomes `command`: by way of `env`, which is a program more, only
 * where the shell could change something.
 */
export function commandText(command: LoopCommand): string {
  const directory = shellQuote(command.workingDirectory);
  const [program = ''] = command.argv;
  const variables = assignments(command.env);
  const isDirect =
    command.isPlain === true &&
    /^[^-]/.test(program) &&
    isPlainEnvironment(command.env) &&
    !Object.keys(command.env).some((name) => LOCALE_NAMES.test(name));
  const words: string[] = [];
  if (isDirect) {
    words.push(...(variables.length > 0 ? ['export', ...variables, ';'] : []), 'pfs_exec');
  } else {
    words.push('pfs_run', ...variables);
    // `env` would take a program whose name holds a `=` for a variable.
    if (program.includes('=')) {
      words.push('/bin/sh', '-c', shellQuote('exec "$0" "$@"'));
    }
  }
  words.push(...command.argv.map(wordOf));
  if (command.stdinPath !== undefined) {
    words.push(`<${shellQuote(command.stdinPath)}`);
  }
  return `pfs_clean /pfs/out; cd ${directory} 2>/dev/null || { mkdir -p ${directory} && cd ${directory}; } || exit 126; ${words.join(' ')}`;
}

/** Returns whether `text` can go to the loop as a line; otherwise it goes as a file, and {@link sourceLine} as the line. */
export function fitsLine(text: string): boolean {
  return text.length <= MAX_LINE_BYTES && PLAIN_LINE.test(text);
}

/**
 * Returns what to write to the loop so that it runs the line `command`. Half a line that user code may have left there
 * ends with it.
 */
export function commandLines(command: string, options: { token: string; nonce: string }): string {
  return `\n${options.token} ${options.nonce}\n${command}\n`;
}

/** Returns the line that makes the loop run the command in the file at `path`. */
export function sourceLine(path: string): string {
  return `. ${shellQuote(path)}`;
}

/** Returns `name=value` words for a shell. */
export function assignments(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => {
    if (name === '' || name.includes('=')) {
      throw new EngineError(
        'invalid',
        `Cannot set variable "${name}": a name must not be empty or hold "="; choose another name`,
      );
    }
    return wordOf(`${name}=${value}`);
  });
}

/** Returns a word for a shell; `invalid` for one with a NUL. */
export function wordOf(text: string): string {
  if (text.includes('\0')) {
    throw new EngineError(
      'invalid',
      `Cannot run command with "${text.replaceAll('\0', '\\0').slice(0, 80)}": no argument or variable can hold a NUL byte; remove it`,
    );
  }
  return shellQuote(text);
}
