import assert from 'node:assert/strict';
import { it } from 'node:test';
import { upkeepOf } from '../../../engine/journal/live-packs.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import type { CollectReport } from '../../../engine/upkeep/report.ts';
import { Upkeep } from '../../../engine/upkeep/upkeep.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { ACTOR, createRepos, openTestPfs, type Pfs, put, readAll } from '../../support/pfs.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

type Test = { after(close: () => Promise<void>): void };

interface Kept {
  readonly pfs: Pfs;
  readonly upkeep: Upkeep;
  readonly reports: CollectReport[];
}

async function open(
  t: Test,
  options: {
    clock: ManualClock;
    store: MemoryObjectStore;
    self: string;
    isAlive?: (engine: string) => boolean;
  },
): Promise<Kept> {
  const { clock, store, self, isAlive = () => true } = options;
  const pfs = await openTestPfs({ t, store, clock });
  const reports: CollectReport[] = [];
  const upkeep = new Upkeep(pfs.context, {
    self,
    isAlive,
    graceMs: HOUR,
    collectEveryMs: 6 * HOUR,
    compacts: true,
    onProblem: (error) => {
      throw error;
    },
    onReport: (report) => reports.push(report),
  });
  t.after(() => upkeep.stop());
  return { pfs, upkeep, reports };
}

/** Lets time pass in small steps, so that what is woken gets to its next wait. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= MINUTE) {
    await clock.pass(Math.min(left, MINUTE));
    for (let turn = 0; turn < 30; turn++) {
      await new Promise(setImmediate);
    }
  }
}

function packs(pfs: Pfs): number {
  return pfs.context.journal.state.packs.size;
}

it('an engine merges packs by itself: eight at once, and fewer when all is quiet', async (t) => {
  const clock = new ManualClock();
  const { pfs, upkeep } = await open(t, {
    clock,
    store: new MemoryObjectStore({ clock }),
    self: 'a',
  });
  await createRepos(pfs, 'data');
  for (let i = 0; i < 9; i++) {
    await put(pfs, 'data@master', { [`/f${i}`]: `${i}` });
  }
  assert.equal(packs(pfs), 9);
  upkeep.start();
  await pass(clock, MINUTE);
  assert.equal(packs(pfs), 1);
  await put(pfs, 'data@master', { '/g': 'g' });
  await put(pfs, 'data@master', { '/h': 'h' });
  await pass(clock, MINUTE);
  assert.equal(packs(pfs), 3, 'not for the sake of two');
  await pass(clock, 5 * MINUTE);
  assert.equal(packs(pfs), 2, 'but when nothing else happens');
  assert.equal(Object.keys(await readAll(pfs, 'data@master')).length, 11);
});

it('a collection runs when it is due, by one engine at a time, and another takes over from a dead one', async (t) => {
  const clock = new ManualClock();
  const store = new MemoryObjectStore({ clock });
  const alive = new Set(['a', 'b']);
  const isAlive = (engine: string) => alive.has(engine);
  const one = await open(t, { clock, store, self: 'a', isAlive });
  const two = await open(t, { clock, store, self: 'b', isAlive });
  two.pfs.context.journal.follow({ intervalMs: MINUTE });
  one.pfs.context.journal.follow({ intervalMs: MINUTE });
  await createRepos(one.pfs, 'gone');
  await put(one.pfs, 'gone@master', { '/a': 'x' });
  await deleteRepo(one.pfs.context, { key: 'default/gone', force: false }, ACTOR);
  one.upkeep.start();
  two.upkeep.start();
  const done = () => one.reports.length + two.reports.length;
  await pass(clock, 10 * MINUTE);
  assert.equal(done(), 1, 'at the start, since nobody ever has');
  await pass(clock, 5 * HOUR);
  assert.equal(done(), 1);
  await pass(clock, 2 * HOUR);
  assert.equal(done(), 2);
  assert.equal(packs(one.pfs), 0);
  // An engine claims the next one, and dies.
  await pass(clock, 4 * HOUR);
  await one.pfs.context.journal.transact(
    () => ({
      operations: [{ kind: 'upkeep.claimed' as const, owner: 'c', time: clock.now() - 7 * HOUR }],
      result: null,
    }),
    ACTOR,
  );
  alive.add('c');
  await pass(clock, 3 * HOUR);
  assert.equal(done(), 2, 'while it lives nobody else does');
  alive.delete('c');
  await pass(clock, 10 * MINUTE);
  assert.equal(done(), 3);
  assert.equal(upkeepOf(one.pfs.context.journal.state).owner, null);
});

it('ends at once when its engine does, whatever it waits for', async (t) => {
  const clock = new ManualClock();
  const { pfs, upkeep } = await open(t, {
    clock,
    store: new MemoryObjectStore({ clock }),
    self: 'a',
  });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { '/a': 'a' });
  upkeep.start();
  await pass(clock, MINUTE);
  await upkeep.stop();
  await assert.rejects(upkeep.collectNow({ graceMs: HOUR, dryRun: false }), { code: 'cancelled' });
});
