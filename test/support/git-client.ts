// Stock Git as a client of a server that runs in the test's own process.

import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const CONFIG = `[filter "lfs"]
	clean = git-lfs clean -- %f
	smudge = git-lfs smudge -- %f
	process = git-lfs filter-process
	required = true
[user]
	name = t
	email = t@t
[core]
	askPass = true
[advice]
	detachedHead = false
`;

/** A home with Git's own settings for one test; Git never asks for a password in it. */
export class GitClient {
  readonly folder: string;

  constructor(t: { after(close: () => void): void }) {
    this.folder = mkdtempSync(join(tmpdir(), 'pfs-test-git-'));
    writeFileSync(join(this.folder, '.gitconfig'), CONFIG);
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Runs Git in a folder of this home; returns what it printed, or rejects with what it complained of. */
  async git(folder: string, ...args: readonly string[]): Promise<string> {
    const options = { ...this.#options(folder), maxBuffer: 64 * 1024 * 1024 };
    return (await run('git', args, options)).stdout;
  }

  /** Starts Git in a folder of this home. */
  spawn(folder: string, ...args: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn('git', args, this.#options(folder));
  }

  /** Runs Git on an input; returns what it printed. */
  async feed(folder: string, input: string, args: readonly string[]): Promise<Buffer> {
    const child = this.spawn(folder, ...args);
    const [printed, complained]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => complained.push(chunk));
    child.stdin.end(input);
    const [code] = await once(child, 'close');
    if (code !== 0) {
      throw new Error(`git ${args.join(' ')} ended with ${code}: ${Buffer.concat(complained)}`);
    }
    return Buffer.concat(printed);
  }

  #options(folder: string) {
    return {
      cwd: join(this.folder, folder),
      env: {
        PATH: process.env.PATH,
        HOME: this.folder,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
      },
    };
  }

  /** As {@link git}, without its last line break. */
  async line(folder: string, ...args: readonly string[]): Promise<string> {
    return (await this.git(folder, ...args)).trimEnd();
  }

  /** Returns how many objects a clone has of its own. */
  async count(folder: string): Promise<number> {
    const text = await this.git(folder, 'count-objects', '-v');
    const number = (key: string) => Number(new RegExp(`^${key}: (\\d+)$`, 'm').exec(text)?.[1]);
    return number('count') + number('in-pack');
  }
}
