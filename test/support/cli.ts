// Runs the built command line as a user would: its own process, its own temporary home, its own engine.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The checkout's root folder, without a slash at the end. */
export const checkout = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Fed to standard input, which is empty otherwise. */
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The command is killed after this long; ten minutes where undefined. */
  readonly timeoutMs?: number;
}

/** Runs any program to its end; resolves whatever its exit code, and rejects only when it cannot be started. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? checkout,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 600_000,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
    // A command that reads nothing may be gone before its input is written.
    child.stdin.on('error', () => undefined).end(options.input ?? '');
  });
}

/** A home of its own for `pfs`, with the engine that its commands start by themselves. Close it after the test. */
export class CliHome {
  readonly folder: string;
  /** What its commands have in their environment beside the test's own. */
  readonly environment: Readonly<Record<string, string | undefined>>;

  constructor(env: Readonly<Record<string, string | undefined>> = {}) {
    this.folder = mkdtempSync(join(realpathSync(tmpdir()), 'pfs-test-'));
    const theirs = Object.keys(process.env).filter((name) => name.startsWith('PFS_'));
    this.environment = {
      ...Object.fromEntries(theirs.map((name) => [name, undefined])),
      NO_COLOR: '1',
      PFS_HOME: join(this.folder, 'home'),
      ...env,
    };
  }

  /** A path in this home's folder, for files that a test makes or gets. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Runs `pfs` and resolves with how it ended. */
  run(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runProgram(process.execPath, [join(checkout, 'bin/pfs'), ...args], {
      ...options,
      env: { ...this.environment, ...options.env },
    });
  }

  /** Runs `pfs` with arguments that must succeed, and returns what it printed on standard output. */
  async pfs(...args: readonly string[]): Promise<string> {
    const result = await this.run(args);
    assert.equal(
      result.code,
      0,
      `pfs ${args.join(' ')} ended with ${result.code}\n${result.stderr}\n${result.stdout}\n${this.#log()}`,
    );
    return result.stdout;
  }

  /** Runs a listing with `--raw` and returns its documents, one a line. */
  async raw(...args: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const printed = await this.pfs(...args, '--raw');
    return printed
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Record<string, unknown> => JSON.parse(line));
  }

  /** Runs an inspection with `--raw` and returns its one document. */
  async inspect<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.pfs(...args, '--raw'));
  }

  /** Runs `pfs` and yields the lines that it prints, as they come; who stops reading ends it. */
  async *lines(...args: readonly string[]): AsyncGenerator<string> {
    const child = spawn(process.execPath, [join(checkout, 'bin/pfs'), ...args], {
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    try {
      yield* createInterface({ input: child.stdout });
    } finally {
      child.kill('SIGINT');
      await ended;
    }
  }

  #log(): string {
    const file = join(this.folder, 'home/engine.log');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-30).join('\n') : '';
  }

  /** Stops the engine and removes the home; fails where a container of this engine is left. */
  async close(): Promise<void> {
    const stopped = await this.run(['engine', 'stop'], { timeoutMs: 60_000 });
    const left = containersOf(this.folder);
    if (left.length > 0) {
      execFileSync('docker', ['rm', '--force', ...left]);
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    assert.equal(stopped.code, 0, `the engine did not stop: ${stopped.stderr}`);
    assert.deepEqual(left, [], 'the engine left containers behind');
  }
}

/**
 * Returns the ids of the containers, running or not, that have something mounted from below `folder`: the workers of
 * an engine whose home is there, whatever labels they carry.
 */
export function containersOf(folder: string): readonly string[] {
  if (dockerProblem() !== undefined) {
    return [];
  }
  const ids = docker('ps', '--all', '--quiet', '--no-trunc').split('\n').filter(Boolean);
  return ids.filter((id) => {
    try {
      const mounts = docker('inspect', '--format', '{{range .Mounts}} {{.Source}}{{end}}', id);
      return mounts.includes(` ${folder}/`);
    } catch {
      // Gone since it was listed.
      return false;
    }
  });
}

function docker(...args: readonly string[]): string {
  return execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

let problem: string | undefined | null = null;

function dockerProblem(): string | undefined {
  if (problem === null) {
    try {
      docker('version', '--format', '{{.Server.Version}}');
      problem = undefined;
    } catch {
      problem = 'no Docker engine is reachable';
    }
  }
  return problem;
}

/**
 * Returns why a suite that runs containers from `images` cannot run here, for the `skip` of a test; false where it
 * can. Throws instead where `PFS_REQUIRE_DOCKER` says that nothing may be left out.
 */
export function skipWithoutDocker(images: readonly string[] = []): string | false {
  const lacking = dockerProblem() ?? images.map(lackingImage).find((each) => each !== undefined);
  if (lacking === undefined) {
    return false;
  }
  assert.ok(!process.env.PFS_REQUIRE_DOCKER, `Docker is required here, but ${lacking}`);
  return lacking;
}

function lackingImage(image: string): string | undefined {
  try {
    docker('image', 'inspect', '--format', '{{.Id}}', image);
    return undefined;
  } catch {
    return `the image ${image} is not on this machine; npm run setup builds it`;
  }
}
