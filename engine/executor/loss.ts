// Why a command was lost, in words.

import type { Clock } from '../base/clock.ts';
import { EngineError } from '../base/errors.ts';
import { dockerError, dockerStatus } from './docker-errors.ts';
import type { ResourceLimits, RunResult } from './executor.ts';
import type { OomWatch } from './oom-watch.ts';
import type { WorkerContainer } from './worker-container.ts';

/** How long the news that a container ran out of memory may come after the news of its death. */
const OOM_NEWS_MS = 300;
/** How long the news of a container's end may come after its stream has broken off. */
const EXIT_NEWS_MS = 2000;
const KILLED = 137;
const MiB = 1024 * 1024;

/** Returns how a command ended of which the kernel killed `killed` processes for memory, and that exited with `code`. */
export function lossOfProcesses(
  killed: number,
  command: { code: number; limits: ResourceLimits },
): RunResult {
  const what = killed === 1 ? 'a process' : `${killed} processes`;
  const reason = `the kernel killed ${what} for memory (${limitText(command.limits)}); the command exited with code ${command.code}`;
  return { kind: 'lost', reason, outOfMemory: true };
}

/**
 * Finds out why a container died under a command. Rejects with `unavailable` where it did not: then the connection to
 * it broke, which is not the command's fault.
 */
export async function lossOfContainer(
  container: WorkerContainer,
  context: { limits: ResourceLimits; oomWatch: OomWatch; clock: Clock },
): Promise<RunResult> {
  const { limits, oomWatch, clock } = context;
  const code = await exitCode(container, clock);
  if (code === KILLED && !oomWatch.has(container.id)) {
    await clock.sleep(OOM_NEWS_MS);
  }
  const outOfMemory = oomWatch.has(container.id);
  oomWatch.forget(container.id);
  const how = code === undefined ? 'its container died' : `its container ended with code ${code}`;
  const said = container.stream.complaint;
  const reason = outOfMemory
    ? `the container was killed for memory (${limitText(limits)})`
    : `${how} under the command${said && `: ${said}`}`;
  return { kind: 'lost', reason, outOfMemory };
}

/**
 * Returns the code of a container that has ended; undefined for one that is gone without a word. The loop that it runs
 * ends well only when its standard input does, which is when the connection broke.
 */
async function exitCode(container: WorkerContainer, clock: Clock): Promise<number | undefined> {
  const code = await findExitCode(container, clock);
  if (code === 0) {
    throw brokenOff(container);
  }
  return code;
}

async function findExitCode(container: WorkerContainer, clock: Clock): Promise<number | undefined> {
  const over = new AbortController();
  const late = clock.sleep(EXIT_NEWS_MS, { signal: over.signal }).catch(() => undefined);
  const known = await Promise.race([container.exit, late]);
  over.abort();
  if (known !== undefined) {
    return known;
  }
  try {
    const { State } = await container.inspect();
    if (!State.Running) {
      return State.ExitCode;
    }
  } catch (error) {
    if (dockerStatus(error) === 404) {
      return undefined;
    }
    throw dockerError(error, `follow container "${container.id.slice(0, 12)}"`);
  }
  throw brokenOff(container);
}

/** The error for a command that is lost to us, and may well be running. */
function brokenOff({ id }: Pick<WorkerContainer, 'id'>): EngineError {
  return new EngineError(
    'unavailable',
    `Cannot follow container "${id.slice(0, 12)}": the connection to Docker broke off; the command is run again`,
  );
}

/** Returns what may be said of the limit that memory ran into. */
export function limitText(limits: ResourceLimits): string {
  return limits.memoryBytes === undefined
    ? 'no limit is set, so the machine ran out of it'
    : `the limit is ${Math.round(limits.memoryBytes / MiB)} MiB`;
}
