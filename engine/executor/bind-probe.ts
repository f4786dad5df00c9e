// Finds out whether directories of this host that are bound into containers show there what they hold here.

import { access, chmod, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import type { Worker } from './executor.ts';

/** How Docker engines say that a directory can't be bound, other than as a bad request. */
const BIND_REFUSED = /mounts? denied|not shared from the host|bind source path|error mounting/i;

/** What the probe found: nothing wrong, or the first thing that is. */
export interface BindFindings {
  readonly ok: boolean;
  /** Why binds can't be trusted, as the end of a sentence. */
  readonly problem?: string;
}

/** Returns how data moves, for people; without findings, that it is not known yet. */
export function transferNote(
  findings: BindFindings | undefined,
  forced: 'bind' | 'tar' | undefined,
): string {
  if (forced) {
    return `Data moves by ${forced === 'tar' ? 'copying (tar)' : 'binds'}, as configured`;
  }
  if (!findings) {
    return 'Whether directories of this host can be bound into containers is probed with the first worker';
  }
  return findings.ok
    ? 'Data moves by binding directories of this host into containers'
    : `Data moves by copying, which is slower, because ${findings.problem}`;
}

/**
 * Probes binds with a worker that `start` starts on two fresh directories below `directory`, which is made and removed
 * here: a file must be visible, its replacement seen at once, its absence too, case kept, modes kept, and an output must be
 * there when its command has ended. A container that can't be started with binds is a finding; other failures reject.
 */
export async function probeBinds(
  directory: string,
  start: (directories: { input: string; output: string }) => Promise<Worker>,
): Promise<BindFindings> {
  const input = join(directory, 'in');
  const output = join(directory, 'out');
  await mkdir(join(input, 'out'), { recursive: true });
  await mkdir(output, { recursive: true });
  await chmod(input, 0o755);
  await chmod(output, 0o777);
  let worker: Worker | undefined;
  try {
    await put(input, { name: 'probe', content: 'first', mode: 0o644 });
    await put(input, { name: 'tool', content: '#!/bin/sh\n', mode: 0o755 });
    try {
      worker = await start({ input, output });
    } catch (error) {
      if (isEngineError(error, 'invalid') || BIND_REFUSED.test(errorText(error))) {
        return {
          ok: false,
          problem: `Docker can't bind a directory of this host (${errorText(error)})`,
        };
      }
      throw error;
    }
    const problem = await findProblem(worker, { input, output });
    return problem === undefined ? { ok: true } : { ok: false, problem };
  } finally {
    await worker?.takeOver();
    await worker?.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * As {@link probeBinds}, for where no image with a shell is at hand: looks into a container that `make` makes with the
 * directory it is given bound in it, and that is never started. It tells only whether the directory is seen.
 */
export async function probeSeen(
  directory: string,
  make: (input: string) => Promise<{ read(): Promise<string>; remove(): Promise<void> }>,
): Promise<BindFindings> {
  const input = join(directory, 'in');
  await mkdir(input, { recursive: true });
  try {
    await put(input, { name: 'probe', content: 'seen', mode: 0o644 });
    const container = await make(input);
    try {
      return (await container.read()).includes('seen')
        ? { ok: true }
        : { ok: false, problem: 'a file put into a bound directory is not seen in the container' };
    } finally {
      await container.remove();
    }
  } catch (error) {
    if (isEngineError(error, 'invalid') || isEngineError(error, 'not_found')) {
      const problem = `Docker can't bind a directory of this host (${errorText(error)})`;
      return { ok: false, problem };
    }
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function findProblem(
  worker: Worker,
  directories: { input: string; output: string },
): Promise<string | undefined> {
  const { input, output } = directories;
  const ask = async (script: string): Promise<string> => {
    let said = '';
    const result = await worker.run({
      command: ['/bin/sh', '-c', script],
      env: {},
      workingDirectory: '/',
      onOutput: (chunk) => {
        said += chunk.toString();
      },
    });
    if (result.kind !== 'exited') {
      throw new EngineError('unavailable', 'Cannot probe binds: the worker was lost; try again');
    }
    return said.trim();
  };
  if ((await ask('cat /pfs/probe')) !== 'first') {
    return 'a file put into a bound directory is not seen in the container';
  }
  await put(input, { name: 'probe', content: 'second', mode: 0o644 });
  if ((await ask('cat /pfs/probe')) !== 'second') {
    return 'a replaced file still shows its old content in the container';
  }
  const folds = await isThere(join(input, 'PROBE'));
  if (!folds && (await ask('[ -e /pfs/PROBE ] && echo there')) !== '') {
    return 'names that differ only in case are mixed up in the container';
  }
  if ((await ask('[ -x /pfs/tool ] && [ ! -x /pfs/probe ] && echo kept')) !== 'kept') {
    return 'executable bits are lost on the way into the container';
  }
  await rm(join(input, 'probe'));
  if ((await ask('cat /pfs/probe 2>/dev/null && echo there')) !== '') {
    return 'a removed file is still seen in the container';
  }
  await ask('echo third >/pfs/out/result; chmod 755 /pfs/out/result');
  return await findOutputProblem(join(output, 'result'));
}

async function findOutputProblem(path: string): Promise<string | undefined> {
  try {
    if ((await readFile(path, 'utf8')) !== 'third\n') {
      return 'an output of the container shows other content on this host';
    }
    return ((await lstat(path)).mode & 0o100) === 0
      ? 'executable bits are lost on the way out of the container'
      : undefined;
  } catch (error) {
    return `an output of the container can't be read on this host (${errorText(error)})`;
  }
}

/** Replaces a file as the engine does between datums: a new one under the old name. */
async function put(
  directory: string,
  file: { name: string; content: string; mode: number },
): Promise<void> {
  const path = join(directory, file.name);
  await writeFile(`${path}.new`, file.content);
  await chmod(`${path}.new`, file.mode);
  await rename(`${path}.new`, path);
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
