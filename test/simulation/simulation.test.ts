// Thousands of small worlds, each from a seed: engines, clients, networks that fail in every way, and a model that says
// what must be true. One world again, with its trace: PFS_SEED=<seed> npm test -- test/simulation

import './loop.ts';

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { chosenSeed, ONLY_SEED } from '../support/seed.ts';
import { MUTATIONS } from './mutations.ts';
import { type Run, simulate } from './world.ts';

const isFree = ONLY_SEED === undefined && process.env.PFS_SEEDS === undefined;
const isCi = process.env.CI === 'true';
/** How many worlds at most: all of them where nobody waits. */
const SEEDS = Number(process.env.PFS_SEEDS ?? (isCi ? 2000 : 3000));
/** How much of a processor they may take, in milliseconds. */
const CPU_MS = isFree && !isCi ? 60_000 : Number.POSITIVE_INFINITY;
/** A planted fault must be found in this many worlds. */
const MUTANT_SEEDS = 150;

/** Fails with what a person needs to see it again. */
function fail(run: Run): never {
  const file = join(tmpdir(), `pfs-simulation-${run.seed}.log`);
  writeFileSync(file, `${run.trace.join('\n')}\n`);
  const last = run.trace.slice(-40).join('\n');
  const again = `PFS_SEED=${run.seed} npm test -- test/simulation/simulation.test.ts`;
  const error = run.failure as Error;
  throw new assert.AssertionError({
    message: `seed ${run.seed}: ${error.stack ?? error.message}\n${last}\nall of it: ${file}\nagain: ${again}`,
  });
}

/** Making a stack costs more than most of what is simulated; a world that fails is run again for one. */
async function quickly(seed: number): Promise<Run> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await simulate(seed);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

it('a seed gives the same run again, to the last event', {
  skip: ONLY_SEED !== undefined,
}, async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const [one, two] = [await simulate(seed), await simulate(seed)];
    assert.ok(one.trace.length > 50);
    assert.deepEqual(one.trace, two.trace, `seed ${seed}`);
  }
});

it('what must never happen does not, in thousands of worlds', async (t) => {
  const first = chosenSeed();
  const started = process.cpuUsage();
  let seed = first;
  let commits = 0;
  let requests = 0;
  for (const end = first + (ONLY_SEED === undefined ? SEEDS : 1); seed < end; seed++) {
    const { user, system } = process.cpuUsage(started);
    if ((user + system) / 1000 > CPU_MS) {
      break;
    }
    const run = await quickly(seed);
    if (run.failure !== undefined) {
      fail(await simulate(seed));
    }
    commits += run.commits;
    requests += run.requests;
  }
  t.diagnostic(`seeds ${first} to ${seed - 1}: ${commits} commits of ${requests} requests`);
  if (isFree) {
    const worlds = seed - first;
    assert.ok(worlds >= 50, `only ${worlds} worlds`);
    assert.ok(commits > worlds && requests > worlds, 'nothing happens in these worlds');
  }
});

for (const [name, make] of Object.entries(MUTATIONS)) {
  it(`finds ${name}`, { skip: ONLY_SEED !== undefined }, async (t) => {
    for (let seed = 1; seed <= MUTANT_SEEDS; seed++) {
      const { failure } = await simulate(seed, { mutation: make() });
      if (failure !== undefined) {
        const [first] = (failure as Error).message.split('\n');
        t.diagnostic(`in world ${seed}: ${first}`);
        return;
      }
    }
    assert.fail(`nobody noticed in ${MUTANT_SEEDS} worlds`);
  });
}
