// A throwaway pfs of its own: a temporary home, the commands that are run in it, and its clean end.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../setup/paths.mjs';
import { childEnvironment, lastLines, run } from '../setup/run.mjs';
import { SetupError, say, styled } from '../setup/say.mjs';

/** Raised when the person at the terminal wants to leave. */
export class Interrupted extends Error {
  name = 'Interrupted';
}

/** Runs `pfs` commands against an engine whose whole state is one temporary folder. */
export class DemoSession {
  #home;
  #children = new Set();
  #interrupted = false;
  #ended;

  constructor() {
    // The real path: on macOS the temporary folder is behind a link that Docker's file sharing does not follow.
    this.#home = mkdtempSync(join(realpathSync(tmpdir()), 'pfs-demo-'));
  }

  /** A path in the temporary folder, for what the demo takes out of the engine. */
  file(name) {
    return join(this.#home, name);
  }

  /** Shows a command as a user would type it, runs it on this terminal, and rejects where it fails. */
  async pfs(...args) {
    await this.#pfs(args, 'inherit');
  }

  /** As `pfs`, but returns what the command printed on standard output instead of showing it. */
  async ask(...args) {
    return this.#pfs(args, 'pipe');
  }

  /** Ends what runs, for a signal: the next step of the demo does not start. */
  interrupt(signal) {
    this.#interrupted = true;
    // Ctrl-C reaches the command from the terminal as well, and a second one would cut short its own cleaning up.
    if (signal === 'SIGINT' && process.stdin.isTTY) {
      return;
    }
    for (const child of this.#children) {
      child.kill(signal);
    }
  }

  /** Returns the last lines of the engine's log, for a failure. */
  engineLog() {
    try {
      return lastLines(readFileSync(join(this.#home, 'home/engine.log'), 'utf8'), 15);
    } catch {
      return '';
    }
  }

  /** Stops the engine and removes its folder; says what could not be removed. Safe to call twice. */
  end() {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #pfs(args, stdout) {
    this.#refuseWhenInterrupted();
    const shown = ['pfs', ...args].map(quoted).join(' ');
    process.stdout.write(`\n${styled('2', '$')} ${styled('1', shown)}\n`);
    const printed = await this.#run(args, stdout);
    this.#refuseWhenInterrupted();
    if (printed.code !== 0) {
      throw new SetupError(`the command "${shown}" ended with exit code ${printed.code}`);
    }
    return printed.text;
  }

  #refuseWhenInterrupted() {
    if (this.#interrupted) {
      throw new Interrupted('interrupted');
    }
  }

  #environment() {
    // Whatever the user has set for an engine of theirs must not reach this one.
    const theirs = Object.keys(process.env).filter((name) => name.startsWith('PFS_'));
    const unset = Object.fromEntries(theirs.map((name) => [name, undefined]));
    return childEnvironment({ ...unset, PFS_HOME: join(this.#home, 'home') });
  }

  #run(args, stdout) {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [join(root, 'bin/pfs'), ...args], {
        cwd: root,
        env: this.#environment(),
        stdio: ['ignore', stdout, 'inherit'],
      });
      this.#children.add(child);
      let text = '';
      child.stdout?.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      child.on('error', reject);
      child.on('close', (code) => {
        this.#children.delete(child);
        resolve({ code: code ?? 1, text });
      });
    });
  }

  async #end() {
    const stopped = await run(process.execPath, [join(root, 'bin/pfs'), 'engine', 'stop'], {
      env: this.#environment(),
      timeoutMs: 60_000,
    });
    if (stopped.code !== 0) {
      say(`the engine did not stop as asked, and is ended:\n${lastLines(stopped.stderr, 5)}`);
      this.#killEngine();
    }
    for (const id of await containersBelow(this.#home)) {
      say(`removing the container ${id.slice(0, 12)}, which was left over`);
      await run('docker', ['rm', '--force', id], { timeoutMs: 60_000 });
    }
    try {
      rmSync(this.#home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    } catch (error) {
      say(`could not remove ${this.#home}: ${error.message}`);
    }
  }

  #killEngine() {
    try {
      const record = JSON.parse(readFileSync(join(this.#home, 'home/engine.json'), 'utf8'));
      process.kill(record.pid, 'SIGKILL');
    } catch {
      // It never started, or is gone.
    }
  }
}

/** Returns the ids of the containers that have something below this folder mounted. */
async function containersBelow(folder) {
  const listed = await run('docker', ['ps', '--all', '--quiet', '--no-trunc']);
  const ids = listed.stdout.split('\n').filter(Boolean);
  const format = '{{.Id}}{{range .Mounts}} {{.Source}}{{end}}';
  const shown =
    ids.length > 0 ? await run('docker', ['inspect', '--format', format, ...ids]) : listed;
  return shown.stdout
    .split('\n')
    .filter((line) => line.includes(` ${folder}/`))
    .map((line) => line.split(' ')[0] ?? '');
}

function quoted(word) {
  return /^[\w@%+=:,./^-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
