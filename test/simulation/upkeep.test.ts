// Hours of a store in which much is deleted, merged and collected while it is written and read, on several engines that
// are killed and frozen. One world again, with its trace: PFS_SEED=<seed> npm test -- test/simulation/upkeep.test.ts

import './loop.ts';

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { chosenSeed, ONLY_SEED } from '../support/seed.ts';
import type { Sabotage } from './engine.ts';
import { simulateUpkeep, type UpkeepRun } from './upkeep-run.ts';

const HOURS = Number(process.env.PFS_HOURS ?? 8);
const SEEDS = Number(process.env.PFS_SEEDS ?? 200);
/** How much of a processor the worlds may take, in milliseconds. */
const CPU_MS = process.env.PFS_SEEDS === undefined ? 30_000 : Number.POSITIVE_INFINITY;

/** A planted fault must be found in this many worlds. */
const MUTANT_SEEDS = 12;

/** Faults that would lose data. */
const MUTATIONS: Readonly<Record<string, Sabotage>> = {
  'a collector that knows nothing of what has gone to history': (context) => {
    Object.assign(context, {
      async *scanHistory() {
        // Nothing is there.
      },
    });
  },
  'a collector that remembers only a part of what directories name': (_context, memory) => {
    const real = memory.get.bind(memory);
    memory.get = (place, isPart) => real(place, isPart)?.subarray(1);
  },
  'writers that do not say what they lean on': ({ journal }) => {
    const real = journal.transact.bind(journal);
    journal.transact = (run, options) =>
      real((state) => {
        const { operations, result } = run(state);
        return {
          operations: operations.map((one) =>
            one.kind === 'packs.added' ? { ...one, relied: [] } : one,
          ),
          result,
        };
      }, options);
  },
};

function fail(run: UpkeepRun): never {
  const file = join(tmpdir(), `pfs-upkeep-${run.seed}.log`);
  writeFileSync(file, `${run.trace.join('\n')}\n`);
  const error = run.failure as Error;
  const last = run.trace.slice(-30).join('\n');
  throw new assert.AssertionError({
    message: `seed ${run.seed}: ${error.stack ?? error.message}\n${last}\nall of it: ${file}\nagain: PFS_SEED=${run.seed} PFS_HOURS=${HOURS} npm test -- test/simulation/upkeep.test.ts`,
  });
}

it('a seed gives the same hours again, to the last event', {
  skip: ONLY_SEED !== undefined,
}, async () => {
  const [one, two] = [await simulateUpkeep(3, { hours: 3 }), await simulateUpkeep(3, { hours: 3 })];
  assert.ok(one.trace.length > 50);
  assert.deepEqual(one.trace, two.trace);
});

it('what was acknowledged reads back, whatever is deleted, merged and collected meanwhile', async (t) => {
  const first = chosenSeed();
  console.log(`seed: PFS_SEED=${first}`);
  const started = process.cpuUsage();
  const total: Record<string, number> = {};
  let seed = first;
  for (const end = first + (ONLY_SEED === undefined ? SEEDS : 1); seed < end; seed++) {
    const { user, system } = process.cpuUsage(started);
    if ((user + system) / 1000 > CPU_MS) {
      break;
    }
    const run = await simulateUpkeep(seed, { hours: HOURS });
    if (run.failure !== undefined) {
      fail(run);
    }
    for (const [what, count] of Object.entries(run.counts)) {
      total[what] = (total[what] ?? 0) + count;
    }
  }
  t.diagnostic(`seeds ${first} to ${seed - 1}, ${HOURS} hours each: ${JSON.stringify(total)}`);
  if (process.env.PFS_SEEDS === undefined && ONLY_SEED === undefined) {
    for (const what of [
      'commits',
      'reads',
      'merged',
      'collected',
      'deleted',
      'pages',
      'jobs',
      'undeleted',
      'kept',
    ]) {
      assert.ok((total[what] ?? 0) > seed - first, `hardly anything is ${what}`);
    }
  }
});

for (const [name, sabotage] of Object.entries(MUTATIONS)) {
  it(`finds ${name}`, { skip: ONLY_SEED !== undefined }, async (t) => {
    for (let seed = 1; seed <= MUTANT_SEEDS; seed++) {
      const { failure } = await simulateUpkeep(seed, { hours: 6, sabotage });
      if (failure !== undefined) {
        const [first] = (failure as Error).message.split('\n');
        t.diagnostic(`in world ${seed}: ${first}`);
        return;
      }
    }
    assert.fail(`nobody noticed in ${MUTANT_SEEDS} worlds`);
  });
}
