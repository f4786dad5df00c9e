// Disks that are full, read-only or broken, and clocks that go backwards: a clear error that names the object, no harm to
// what is there, and all goes on once the trouble is over.

import assert from 'node:assert/strict';
import syncFs from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { it } from 'node:test';
import { type EngineError, isEngineError } from '../../engine/base/errors.ts';
import { SeededRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import { newFormat } from '../../engine/object/format.ts';
import { MemoryObjectStore } from '../../engine/object/memory.ts';
import type { ObjectStore } from '../../engine/object/object-store.ts';
import { listCommits } from '../../engine/pfs/commit-list.ts';
import { checkStore } from '../../engine/upkeep/check.ts';
import { mountDisk, remountDisk, unmountDisk } from '../support/disk.ts';
import { InstantClock } from '../support/instant-clock.ts';
import { leaveOut } from '../support/leave-out.ts';
import { createRepos, openTestPfs, type Pfs, put, readAll } from '../support/pfs.ts';
import { scratchDirectory } from '../support/scratch.ts';

const CHANCE = { clock: new SystemClock(), random: new SeededRandom(5) };
const FORMAT = newFormat('f'.repeat(32));

async function demandWhole(store: ObjectStore): Promise<void> {
  for await (const report of checkStore(store, { data: true, ...CHANCE })) {
    assert.ok(report.kind !== 'finding' || report.level !== 'damage', JSON.stringify(report));
  }
}

async function open(directory: string): Promise<{ store: FilesystemObjectStore; pfs: Pfs }> {
  const store = await FilesystemObjectStore.open(directory, CHANCE);
  await store.put('format', FORMAT);
  // Whoever waits for a broken disk waits on this clock.
  const pfs = await openTestPfs({ store, clock: new InstantClock() });
  return { store, pfs };
}

type Call = (...args: unknown[]) => Promise<unknown>;

/** Makes the n-th change of the file system fail, as the operating system would. Returns how to make all well again. */
async function breakDisk(
  failAt: number,
  code: string,
): Promise<{ hits: () => number; mend: () => void }> {
  const disk = fs as unknown as Record<string, Call>;
  const handle = await fs.open('/dev/null', 'r');
  const handles = Object.getPrototypeOf(handle) as Record<string, Call>;
  await handle.close();
  const undo: (() => void)[] = [];
  let count = 0;
  const replace = (on: Record<string, Call>, name: string, isChange = (_: unknown[]) => true) => {
    const real = on[name] as Call;
    on[name] = function (this: unknown, ...args: unknown[]) {
      if (isChange(args)) {
        count += 1;
        if (count >= failAt) {
          const trouble = Object.assign(new Error(`${code}: made to fail`), { code });
          if (name.endsWith('Sync')) {
            throw trouble;
          }
          return Promise.reject(trouble);
        }
      }
      return real.apply(this, args);
    };
    undo.push(() => {
      on[name] = real;
    });
  };
  for (const name of ['mkdir', 'link', 'rename']) {
    replace(disk, name);
  }
  replace(disk, 'open', ([, flags]) => flags !== undefined && flags !== 'r');
  for (const name of ['writev', 'sync']) {
    replace(handles, name);
  }
  // By these, small objects are put.
  const waiting = syncFs as unknown as Record<string, Call>;
  for (const name of ['mkdirSync', 'linkSync', 'renameSync', 'writeSync', 'fsyncSync']) {
    replace(waiting, name);
  }
  replace(waiting, 'openSync', ([, flags]) => flags === 'wx');
  syncBuiltinESMExports();
  return {
    hits: () => count,
    mend: () => {
      for (const restore of undo) {
        restore();
      }
      syncBuiltinESMExports();
    },
  };
}

const TROUBLES: Readonly<Record<string, EngineError['code']>> = {
  ENOSPC: 'resource_exhausted',
  EDQUOT: 'resource_exhausted',
  EROFS: 'failed_precondition',
  EACCES: 'failed_precondition',
  EIO: 'unavailable',
};

for (const [code, expected] of Object.entries(TROUBLES)) {
  it(`a disk that answers ${code} at any change fails the write and nothing else`, async (t) => {
    const { store, pfs } = await open(scratchDirectory(t));
    await createRepos(pfs, 'data');
    await put(pfs, 'data@master', { before: 'was here' });
    let last = 1;
    let failures = 0;
    for (let failAt = 1; failAt <= last; failAt++) {
      const name = `file-${failAt}`;
      const disk = await breakDisk(failAt, code);
      const outcome = await put(pfs, 'data@master', { [name]: `of try ${failAt}` }).then(
        () => undefined,
        (error: unknown) => error,
      );
      disk.mend();
      if (failAt === 1) {
        // So many changes one put makes, now that the directories are there; the first try made none.
        last = 14;
      }
      if (outcome !== undefined) {
        failures += 1;
        assert.ok(isEngineError(outcome, expected), `${failAt}: ${String(outcome)}`);
        assert.match(
          outcome.message,
          /Cannot (write|commit).*"(packs|journal)\/|Cannot write to file:/,
        );
      }
      await put(pfs, 'data@master', { after: `mended ${failAt}` });
      assert.equal((await readAll(pfs, 'data@master')).before, 'was here');
    }
    assert.ok(failures >= 8, `only ${failures} of ${last} troubles stood in the way of a write`);
    await demandWhole(store);
    await pfs.context.journal.close();
  });
}

it('a disk that fills up, and one that becomes read-only, keep what is on them', async (t) => {
  const directory = scratchDirectory(t);
  const lacking = mountDisk(directory, '12m');
  if (lacking !== undefined) {
    leaveOut(t, lacking);
    return;
  }
  try {
    await fillAndLock(directory);
  } finally {
    unmountDisk(directory);
  }
});

async function fillAndLock(directory: string): Promise<void> {
  const remount = (options: string) => remountDisk(directory, options);
  const { store, pfs } = await open(join(directory, 'store'));
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { before: 'was here' });
  const random = new SeededRandom(1);
  const full = async () => {
    for (let i = 0; i < 20; i++) {
      await put(pfs, 'data@master', { [`large-${i}`]: random.bytes(1_500_000) });
    }
  };
  await assert.rejects(full(), (error: unknown) => {
    assert.ok(isEngineError(error, 'resource_exhausted'), String(error));
    assert.match(error.message, /Cannot write object "packs\/.*the disk is full/);
    return true;
  });
  await demandWhole(store);
  assert.equal((await readAll(pfs, 'data@master')).before, 'was here');
  remount('size=64m');
  await put(pfs, 'data@master', { after: 'there is room again' });

  remount('ro');
  await assert.rejects(put(pfs, 'data@master', { no: 'way' }), {
    code: 'failed_precondition',
    message: /read-only/,
  });
  assert.equal((await readAll(pfs, 'data@master')).after, 'there is room again');
  await demandWhole(store);
  remount('rw');
  await put(pfs, 'data@master', { last: 'writable again' });
  await demandWhole(store);
  await pfs.context.journal.close();
}

it('a clock that is set back loses nothing, doubles nothing, and keeps branches in order', async (t) => {
  const store = new MemoryObjectStore();
  await store.put('format', FORMAT);
  const clock = new InstantClock();
  const pfs = await openTestPfs({ t, store, clock });
  await createRepos(pfs, 'data');
  const made: string[] = [];
  for (let i = 0; i < 6; i++) {
    const id = `${i}`.padStart(32, '0');
    const commit = await put(pfs, 'data@master', { [`f${i}`]: `${i}` }, { id });
    made.push(commit.id);
    clock.advance(-24 * 3600 * 1000);
    if (i === 3) {
      await pfs.context.journal.snapshot();
    }
    // A retry is known however the clock stands.
    assert.equal((await put(pfs, 'data@master', { [`f${i}`]: 'x' }, { id })).id, commit.id);
  }
  assert.deepEqual(made, made.toSorted(), 'the ids of one engine ascend');
  // The next engine knows only the clock, which is a week behind.
  const next = await openTestPfs({ t, store, clock });
  const commit = await put(next, 'data@master', { late: 'and early' });
  assert.equal(commit.parent, made.at(-1));
  const found: string[] = [];
  for await (const { id } of listCommits(next.context, 'default/data')) {
    found.push(id);
  }
  assert.deepEqual(found.toSorted(), [...made, commit.id].toSorted());
  assert.equal(Object.keys(await readAll(next, 'data@master')).length, 7);
  await demandWhole(store);
});
