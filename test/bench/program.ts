// Programs that are timed from start to end, as a shell's `time` would.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { checkout } from '../support/cli.ts';

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Fed to standard input, which is empty otherwise. */
  readonly input?: AsyncIterable<Uint8Array>;
}

const running = new Set<ChildProcess>();

/** Runs a program whose success is needed; resolves with the seconds it took and what it printed. */
export async function runTimed(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<{ readonly seconds: number; readonly stdout: string }> {
  const started = performance.now();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: [options.input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-65_536);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4096);
  });
  const feeding = options.input ? feed(child, options.input) : Promise.resolve();
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => running.delete(child));
  const seconds = (performance.now() - started) / 1000;
  await feeding;
  if (code !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr.trim()}`);
  }
  return { seconds, stdout };
}

/** Runs a program and returns the seconds it took. */
export async function seconds(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<number> {
  return (await runTimed(command, args, options)).seconds;
}

/** Writes what is dirty to the disk, so that it burdens no measurement that follows. */
export async function settle(): Promise<void> {
  await runTimed('sync', []);
}

/** The built command line. */
export const PFS = join(checkout, 'bin/pfs');

/** Ends all programs that still run. */
export function endPrograms(): void {
  for (const child of running) {
    child.kill('SIGKILL');
  }
}

async function feed(child: ChildProcess, input: AsyncIterable<Uint8Array>): Promise<void> {
  const { stdin } = child;
  if (!stdin) {
    return;
  }
  // A program that failed has closed its end; its exit code says so.
  stdin.on('error', () => undefined);
  for await (const chunk of input) {
    await new Promise<void>((resolve) => {
      stdin.write(chunk, () => resolve());
    });
    if (stdin.destroyed) {
      return;
    }
  }
  stdin.end();
}
