// One bash in which the commands of a page are typed one after the other, so that folders and variables last.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STEP_WITHIN_MS = 120_000;

export interface Typed {
  /** Both outputs, in the order in which they came. */
  readonly printed: string;
  readonly code: number;
  /** The first command that failed, where one did. */
  readonly failed: string;
}

export class Shell {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #script: string;
  #waiting = '';
  #count = 0;
  #wake: () => void = () => undefined;

  /** Starts one in `folder`; `scripts` is a folder for its own files. */
  constructor(folder: string, scripts: string, env: NodeJS.ProcessEnv) {
    this.#script = join(scripts, 'typed.sh');
    this.#child = spawn('bash', ['--noprofile', '--norc'], {
      cwd: folder,
      env,
      detached: true,
    });
    const take = (chunk: string): void => {
      this.#waiting += chunk;
      this.#wake();
    };
    this.#child.stdout.setEncoding('utf8').on('data', take);
    this.#child.stderr.setEncoding('utf8').on('data', take);
    this.#child.on('close', () => this.#wake());
    this.#child.stdin.write('exec 2>&1\n');
  }

  /** Types `text`, whose standard input is empty; resolves when it has ended, and rejects when it takes too long. */
  async type(text: string): Promise<Typed> {
    this.#count += 1;
    const end = `\u0001${this.#count}`;
    writeFileSync(this.#script, `${text}\n`);
    this.#child.stdin.write(
      `set -E; failed=; trap 'failed=\${failed:-$BASH_COMMAND}' ERR; source '${this.#script}' </dev/null; code=$?; ` +
        `trap - ERR; printf '${end} %d %s${end}\\n' $code "$failed"\n`,
    );
    const until = new RegExp(`${end} (\\d+) ([\\s\\S]*?)${end}\n`);
    const timer = setTimeout(() => this.#kill(), STEP_WITHIN_MS);
    try {
      for (;;) {
        const found = until.exec(this.#waiting);
        if (found) {
          const printed = this.#waiting.slice(0, found.index);
          this.#waiting = this.#waiting.slice(found.index + found[0].length);
          return { printed, code: Number(found[1]), failed: found[2] ?? '' };
        }
        if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
          throw new Error(
            `the shell ended (or was ended, after ${STEP_WITHIN_MS / 1000} s) in\n${text}\n${this.#waiting}`,
          );
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it with all that it has started, which else would hold its outputs open. */
  #kill(): void {
    process.kill(-Number(this.#child.pid), 'SIGKILL');
  }

  async close(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.stdin.end('exit\n');
      await once(this.#child, 'close');
    }
  }
}
