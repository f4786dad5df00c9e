// Finds out whether a store keeps the promises that all of the engine stands on, before anything is trusted to it.

import type { Clock } from '../base/clock.ts';
import { EngineError, isEngineError } from '../base/errors.ts';
import { IdMaker } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import { PROBE_PREFIX, probeKey, probePrefix } from './keys.ts';
import type { ObjectStore } from './object-store.ts';

const WRITERS = 32;
const MAX_SKEW_MS = 60_000;
const LEFTOVER_AFTER_MS = 60 * 60 * 1000;

export interface ProbeCheck {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen, as a sentence without its full stop. */
  readonly detail: string;
}

export interface ProbeReport {
  readonly url: string;
  /** Whether all checks are ok. */
  readonly safe: boolean;
  readonly checks: readonly ProbeCheck[];
  /** What is worth knowing but no reason to refuse the store. */
  readonly notes: readonly string[];
  /** How far the store's clock is ahead of this machine's, in milliseconds. */
  readonly skewMs: number;
}

export interface ProbeOptions {
  readonly clock: Clock;
  readonly random: Random;
}

interface Probe {
  readonly store: ObjectStore;
  readonly key: (name: string) => string;
  readonly salt: string;
}

/**
 * Writes, reads, lists and removes a few small objects, and reports what the store did. Rejects only when the store
 * cannot be used at all: the error is then the store's own.
 */
export async function probeStore(store: ObjectStore, options: ProbeOptions): Promise<ProbeReport> {
  const { clock, random } = options;
  const id = new IdMaker(clock, random).next();
  const probe = {
    store,
    key: (name: string) => probeKey(id, name),
    salt: random.bytes(8).toString('hex'),
  };
  let report: ProbeReport;
  try {
    report = await runChecks(probe, clock);
  } catch (error) {
    // What stays behind is removed by a later probe; the store's first trouble is the one to tell.
    await cleanUp(store, { prefix: probePrefix(id), now: clock.now() }).catch(() => undefined);
    throw error;
  }
  await cleanUp(store, { prefix: probePrefix(id), now: clock.now() });
  return report;
}

/** Rejects with `failed_precondition` a store that failed a check, and says which and why it matters. */
export function refuseUnsafe(report: ProbeReport): void {
  const failed = report.checks.filter(({ ok }) => !ok);
  if (failed.length > 0) {
    const what = failed.map(({ name, detail }) => `${name} (${detail})`).join('; ');
    throw new EngineError(
      'failed_precondition',
      `Cannot use store ${report.url}: it failed ${what}; commits could be lost on it: choose another store, or a newer server`,
      { details: { failed: failed.map(({ name }) => name) } },
    );
  }
}

async function runChecks(probe: Probe, clock: Clock): Promise<ProbeReport> {
  const { store, key, salt } = probe;
  const before = clock.now();
  await store.put(key('first'), Buffer.from(`${salt} first`));
  const { modified } = await store.head(key('first'));
  const skewMs = skew({ before, after: clock.now(), modified });
  const notes: string[] = [];
  if (Math.abs(skewMs) > MAX_SKEW_MS) {
    const seconds = Math.round(Math.abs(skewMs) / 1000);
    const way = skewMs > 0 ? 'ahead of' : 'behind';
    notes.push(`the clock of the store is ${seconds} s ${way} this machine's; set both`);
  }
  const checks = await Promise.all([race(probe), reading(probe), listing(probe)]);
  checks.push(await refusal(probe), await absence(probe));
  return { url: store.url, safe: checks.every(({ ok }) => ok), checks, notes, skewMs };
}

/** Many writers at once: exactly one may win, and what is there must be the winner's. */
async function race({ store, key, salt }: Probe): Promise<ProbeCheck> {
  const bodies = Array.from({ length: WRITERS }, (_, i) => `${salt} writer ${i}`);
  const puts = await Promise.allSettled(
    bodies.map((body) => store.put(key('race'), Buffer.from(body), { ifAbsent: true })),
  );
  const winners: string[] = [];
  for (const [i, put] of puts.entries()) {
    if (put.status === 'fulfilled') {
      winners.push(bodies[i] ?? '');
    } else if (!isEngineError(put.reason, 'already_exists')) {
      throw put.reason;
    }
  }
  const stored = (await store.get(key('race'))).toString();
  const ok = winners.length === 1 && winners[0] === stored;
  return {
    name: 'put-if-absent, raced',
    ok,
    detail: ok
      ? `of ${WRITERS} writers at once exactly one won`
      : `of ${WRITERS} writers at once ${winners.length} were told that they had won`,
  };
}

async function refusal({ store, key, salt }: Probe): Promise<ProbeCheck> {
  const name = 'put-if-absent, taken';
  const stored = await store.get(key('race'));
  try {
    await store.put(key('race'), Buffer.from(`${salt} late`), { ifAbsent: true });
    return { name, ok: false, detail: 'a writer that came too late was told that it had won' };
  } catch (error) {
    if (!isEngineError(error, 'already_exists')) {
      throw error;
    }
  }
  const ok = stored.equals(await store.get(key('race')));
  return { name, ok, detail: ok ? 'refused, and nothing changed' : 'refused, and yet written' };
}

async function reading({ store, key, salt }: Probe): Promise<ProbeCheck> {
  const bodies = ['one', 'another'].map((body) => Buffer.from(`${salt} ${body}`));
  for (const body of bodies) {
    await store.put(key('read'), body);
    if (!body.equals(await store.get(key('read')))) {
      return { name: 'read after write', ok: false, detail: 'a read did not see the last write' };
    }
  }
  const range = { start: 3, end: 11 };
  const part = await store.get(key('read'), { range });
  const ok = bodies[1]?.subarray(range.start, range.end).equals(part) === true;
  return {
    name: 'read after write',
    ok,
    detail: ok ? 'whole and in part' : 'a read of a range returned other bytes',
  };
}

async function listing({ store, key }: Probe): Promise<ProbeCheck> {
  const written = ['list-a', 'list-b', 'list-c'].map(key);
  for (const name of written) {
    await store.put(name, Buffer.from(name));
  }
  const listed: string[] = [];
  for await (const info of store.list(key('list-'))) {
    listed.push(info.key);
  }
  const ok = listed.join() === written.join();
  return {
    name: 'list after write',
    ok,
    detail: ok
      ? 'complete and in order'
      : `of ${written.length} objects it showed ${listed.length}`,
  };
}

async function absence({ store, key }: Probe): Promise<ProbeCheck> {
  const name = 'absent after delete';
  await store.delete(key('read'));
  try {
    await store.get(key('read'));
    return { name, ok: false, detail: 'a deleted object was still read' };
  } catch (error) {
    if (!isEngineError(error, 'not_found')) {
      throw error;
    }
    return { name, ok: true, detail: 'a deleted object is gone' };
  }
}

/** Returns how far `modified` lies outside of the time of the request; a store may know whole seconds only. */
function skew(times: { before: number; after: number; modified: number }): number {
  const { before, after, modified } = times;
  if (modified < before - 1000) {
    return modified - before;
  }
  return modified > after ? modified - after : 0;
}

/** Removes what this probe wrote, and what probes that were killed have left long ago. */
async function cleanUp(
  store: ObjectStore,
  options: { prefix: string; now: number },
): Promise<void> {
  const old: string[] = [];
  for await (const { key, modified } of store.list(PROBE_PREFIX)) {
    if (key.startsWith(options.prefix) || options.now - modified > LEFTOVER_AFTER_MS) {
      old.push(key);
    }
  }
  await Promise.all(old.map((key) => store.delete(key)));
}
