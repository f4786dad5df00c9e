// One run of the simulated world of upkeep.

import type { Sabotage } from './engine.ts';
import { UpkeepActors } from './upkeep-actors.ts';
import { UpkeepWorld } from './upkeep-world.ts';

export interface UpkeepRun {
  readonly seed: number;
  readonly trace: readonly string[];
  readonly failure: unknown;
  /** What came about: commits, reads, and what upkeep did. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Runs the world of a seed for so many simulated hours. */
export async function simulateUpkeep(
  seed: number,
  options: { readonly hours: number; readonly sabotage?: Sabotage },
): Promise<UpkeepRun> {
  const world = new UpkeepWorld(seed, options);
  let failure: unknown;
  try {
    await world.run(new UpkeepActors(world));
  } catch (error) {
    failure = error;
  }
  return { seed, trace: world.loop.trace, failure, counts: world.counts };
}
