// Ending a command before its end: first the command, then, where that does not help, its container.

import type { Clock } from '../base/clock.ts';
import type { LoopRun } from './loop-run.ts';
import type { LoopResult } from './marker-scanner.ts';
import type { WorkerContainer } from './worker-container.ts';
import { startDeadline } from './worker-context.ts';

/** How long a kill may take before the whole container is killed instead. */
const KILL_GRACE_MS = 5000;
/** A kill that comes before the loop has started the command hits nothing, so it is tried again. */
const KILL_AGAIN_MS = 250;

/**
 * Kills everything that runs beside the loop of a container, and returns what the loop says then. Calls `onHard` and kills
 * the container where that takes too long.
 */
export async function killRun(
  done: LoopRun['done'],
  options: {
    readonly clock: Clock;
    readonly container: WorkerContainer | undefined;
    readonly onHard: () => void;
  },
): Promise<LoopResult | undefined> {
  const { clock, container, onHard } = options;
  const started = clock.monotonic();
  while (clock.monotonic() - started < KILL_GRACE_MS) {
    // Awaited to its end: a kill that came late would hit the next command.
    const killed = container?.exec(['/bin/sh', '-c', 'kill -9 -1']).catch(() => 'failed');
    const hard = startDeadline(clock, KILL_GRACE_MS, undefined);
    const failed = await Promise.race([killed, hard.passed]);
    hard.cancel();
    if (failed !== undefined) {
      break;
    }
    const again = startDeadline(clock, KILL_AGAIN_MS, undefined);
    const result = await Promise.race([done, again.passed]);
    again.cancel();
    if (typeof result !== 'string') {
      return result;
    }
  }
  onHard();
  await container?.kill();
  return await done;
}
