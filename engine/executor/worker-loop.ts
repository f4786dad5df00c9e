// What runs as PID 1 of a warm worker, and the lines it is fed. The words of both are chosen so that dash, the
// shell of busybox and bash all do the same; it never runs user code in its own process.

import { EngineError } from '../base/errors.ts';
import { shellQuote } from './shell-quote.ts';

/** A longer command goes as a file: shells read a line from a pipe byte by byte. */
const MAX_LINE_BYTES = 1024;
const PLAIN_LINE = /^[\x20-\x7e]*$/;

/** A command as the loop is to run it. */
export interface LoopCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** Path in the container of the file that becomes standard input. */
  readonly stdinPath?: string;
}

/**
 * Returns the text of the loop. It prints `<nonce> 0 <oom>` once when it is ready, where the nonce is its `$0`, and
 * after that, for each pair of lines (a nonce, a command): what the command printed, then
 * `<nonce> <exit code> <oom>`, where `<oom>` counts the processes that the kernel has killed for memory so far.
 * It ends when its standard input does. `env` is what every command finds in its environment.
 */
export function workerLoop(env: Readonly<Record<string, string>>): string {
  const fixed = ['HOSTNAME', 'HOME', 'PATH'].map((name) => `"${name}=$${name}"`);
  return `umask 0
pfs_run() { exec env -i ${[...fixed, ...assignments(env)].join(' ')} "$@"; }
pfs_clean() {
  for pfs_d do
    for pfs_f in "$pfs_d"/* "$pfs_d"/.[!.]* "$pfs_d"/..?*; do
      if [ -e "$pfs_f" ] || [ -L "$pfs_f" ]; then
        rm -rf "$pfs_d"/* "$pfs_d"/.[!.]* "$pfs_d"/..?* ||
          for pfs_f in "$pfs_d"/* "$pfs_d"/.[!.]* "$pfs_d"/..?*; do rm -rf "$pfs_f"; done
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
pfs_clean /tmp /var/tmp /dev/shm
pfs_oom
echo "$0 0 $pfs_o"
while IFS= read -r pfs_n && IFS= read -r pfs_c; do
  ( eval "$pfs_c" ) </dev/null 2>&1
  pfs_r=$?
  pfs_kill
  pfs_oom
  echo "$pfs_n $pfs_r $pfs_o"
  pfs_clean /tmp /var/tmp /dev/shm
done`;
}

/** Makes what a command left unreadable readable again, where its own user can. */
export const LOOSEN_TEXT = 'exec chmod -R a+rwX /pfs/out 2>/dev/null';

/** Returns the shell text that empties `/pfs/out` and becomes `command`. */
export function commandText(command: LoopCommand): string {
  const directory = shellQuote(command.workingDirectory);
  const words = ['pfs_run', ...assignments(command.env)];
  // `env` would take a program whose name holds a `=` for a variable.
  if (command.argv[0]?.includes('=')) {
    words.push('/bin/sh', '-c', shellQuote('exec "$0" "$@"'));
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
