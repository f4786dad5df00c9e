// A small store with one of everything, and few words to damage, check and repair it.

import assert from 'node:assert/strict';
import { SeededRandom } from '../../../engine/base/random.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { openFormat } from '../../../engine/object/format.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import type { ObjectStore } from '../../../engine/object/object-store.ts';
import { checkStore } from '../../../engine/upkeep/check.ts';
import type { CheckReport, CheckSummary, Finding } from '../../../engine/upkeep/finding.ts';
import { mirrorStore } from '../../../engine/upkeep/mirror.ts';
import { type RepairReport, repairStore } from '../../../engine/upkeep/repair.ts';
import { createRepos, openTestPfs, type Pfs, put, readBytes } from '../../support/pfs.ts';

export const CLOCK = { clock: new SystemClock(), random: new SeededRandom(7) };
export const STORE_ID = '0123456789abcdef0123456789abcdef';

type Test = { after(close: () => Promise<void>): void };

/** Fills a store: two repos, small files and large ones, history behind a snapshot, and entries after it. */
export async function fill(t: Test, store: ObjectStore): Promise<Pfs> {
  await openFormat(store, { newId: () => STORE_ID });
  const pfs = await openTestPfs({ t, store });
  await createRepos(pfs, 'data', 'other');
  for (let i = 0; i < 4; i++) {
    await put(pfs, 'data@master', {
      [`d/e/f${i}`]: `small ${i}`,
      'd/changing': `content ${i}`,
      ...(i === 1 ? { large: Buffer.alloc(5_000_000, 'on and on') } : {}),
      pointer: `looks like git-lfs ${i}`,
    });
  }
  await pfs.context.journal.snapshot();
  await put(pfs, 'other@master', { 'a/b': 'x', c: 'compressible '.repeat(5000) });
  await put(pfs, 'other@dev', { 'a/b': 'y' });
  return pfs;
}

/** Returns all objects of a store. */
export async function objectsOf(store: ObjectStore): Promise<Map<string, Buffer>> {
  const objects = new Map<string, Buffer>();
  for await (const { key } of store.list('')) {
    objects.set(key, await store.get(key));
  }
  return objects;
}

/** Returns another store with the same objects. */
export async function copyOf(store: ObjectStore): Promise<MemoryObjectStore> {
  const copy = new MemoryObjectStore();
  for (const [key, bytes] of await objectsOf(store)) {
    await copy.put(key, bytes);
  }
  return copy;
}

export interface Checked {
  readonly summary: CheckSummary;
  readonly damage: readonly Finding[];
  readonly others: readonly Finding[];
}

export async function check(store: ObjectStore, data = true): Promise<Checked> {
  return await gatherReports(checkStore(store, { data, ...CLOCK }));
}

/** Repairs a store; returns what its last check found, and the keys that were repaired. */
export async function repair(
  store: ObjectStore,
  from?: ObjectStore,
): Promise<Checked & { readonly repaired: readonly (string | null)[] }> {
  const repaired: (string | null)[] = [];
  const rest = async function* (): AsyncGenerator<CheckReport> {
    const options = { data: true, ...CLOCK, ...(from ? { from } : {}) };
    for await (const report of repairStore(store, options) as AsyncIterable<RepairReport>) {
      if (report.kind === 'repaired') {
        repaired.push(report.key);
      } else {
        yield report;
      }
    }
  };
  return { ...(await gatherReports(rest())), repaired };
}

/** Mirrors a store; returns the summary. */
export async function mirror(source: ObjectStore, target: ObjectStore) {
  for await (const report of mirrorStore(source, target, CLOCK)) {
    if (report.kind === 'summary') {
      return report;
    }
  }
  throw new Error('the mirror ended without a summary');
}

/** Every file of every branch of a store. */
export async function contents(t: Test, store: ObjectStore): Promise<Map<string, string>> {
  const pfs = await openTestPfs({ t, store });
  const files = new Map<string, string>();
  for (const { repo, name } of pfs.context.journal.state.branches.values()) {
    const from = `${repo.replace('default/', '')}@${name}`;
    for (const [path, { bytes }] of await readBytes(pfs, from)) {
      files.set(`${from}:${path}`, bytes.toString('latin1'));
    }
  }
  return files;
}

async function gatherReports(reports: AsyncIterable<CheckReport>): Promise<Checked> {
  const damage: Finding[] = [];
  const others: Finding[] = [];
  let summary: CheckSummary | undefined;
  for await (const report of reports) {
    if (report.kind === 'finding') {
      (report.level === 'damage' ? damage : others).push(report);
    } else if (report.kind === 'summary') {
      summary = report;
    }
  }
  assert.ok(summary, 'a check ends with its summary');
  return { summary, damage, others };
}
