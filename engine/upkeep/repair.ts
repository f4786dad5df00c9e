// Putting a store right: what can be made again from its own objects is made again, and the rest is brought back from
// another copy of the store. Everything is verified before it is written; nothing whole is ever replaced.

import { EngineError, isEngineError } from '../base/errors.ts';
import { IdMaker } from '../base/ids.ts';
import { Journal } from '../journal/journal.ts';
import type { Operation } from '../journal/operations.ts';
import { definition } from '../journal/pfs-definition.ts';
import { listSnapshots, readManifest } from '../journal/snapshot.ts';
import type { State } from '../journal/state.ts';
import { newFormat, readFormat } from '../object/format.ts';
import {
  formatKey,
  HISTORY_PREFIX,
  JOURNAL_PREFIX,
  journalKey,
  parseJournalKey,
  parsePackKey,
  SNAPSHOTS_PREFIX,
  snapshotKey,
} from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { PfsContext } from '../pfs/context.ts';
import { type CheckOptions, checkStore } from './check.ts';
import { checkLog } from './check-journal.ts';
import { problemWith, putVerified } from './copy-object.ts';
import type { CheckReport, Finding } from './finding.ts';
import { PackRepair } from './repair-packs.ts';
import { UnsnappedStore } from './views.ts';

export interface RepairOptions extends CheckOptions {
  /** A copy of the store to bring objects back from. */
  readonly from?: ObjectStore;
  /** The engine that has the store open, if one has: it learns what was made again. */
  readonly live?: PfsContext;
}

/** What a repair says: the reports of its last check, and before them what it did. */
export type RepairReport =
  | CheckReport
  | { readonly kind: 'repaired'; readonly key: string | null; readonly message: string };

/** Once for the journal, once for what it names, once for what is in no pack, once to see that all is well. */
const MAX_ROUNDS = 5;

/** Checks a store, repairs what can be repaired, and checks it again; the last report is the summary of that. */
export async function* repairStore(
  store: ObjectStore,
  options: RepairOptions,
): AsyncGenerator<RepairReport> {
  const repair = new Repair(store, options);
  await repair.demandCopy();
  for (let round = 1; ; round++) {
    const reports: CheckReport[] = [];
    const findings: Finding[] = [];
    for await (const report of checkStore(store, options)) {
      if (report.kind === 'progress') {
        yield report;
      } else {
        reports.push(report);
      }
      if (report.kind === 'finding' && report.level === 'damage') {
        findings.push(report);
      }
    }
    let done = 0;
    for await (const report of findings.length === 0 ? repair.newerEntries() : []) {
      done += 1;
      yield report;
    }
    for await (const report of round < MAX_ROUNDS ? repair.all(findings) : []) {
      done += 1;
      yield report;
    }
    if (done === 0) {
      yield* reports;
      return;
    }
  }
}

class Repair {
  readonly #store: ObjectStore;
  readonly #options: RepairOptions;
  readonly #packs: PackRepair;
  readonly #tried = new Set<string | null>();
  #hasSnapshot = false;

  constructor(store: ObjectStore, options: RepairOptions) {
    this.#store = store;
    this.#options = options;
    this.#packs = new PackRepair(store, options);
  }

  /** Rejects where the other store is not a copy of this one. */
  async demandCopy(): Promise<void> {
    const { from } = this.#options;
    if (from === undefined) {
      return;
    }
    const theirs = await readFormat(from);
    const ours = await readFormat(this.#store).catch((error: unknown) => {
      if (isEngineError(error, 'corrupt')) {
        return undefined;
      }
      throw error;
    });
    if (theirs === undefined || (ours && ours.id !== theirs.id)) {
      throw new EngineError(
        'failed_precondition',
        `Cannot repair from ${from.url}: it is not a copy of this store; name one that pfs mirror made`,
      );
    }
  }

  async *all(findings: readonly Finding[]): AsyncGenerator<RepairReport> {
    const journal = findings.filter(({ key }) => isJournal(key));
    // What the store holds is known only once its journal is whole.
    const named = findings.filter(({ key }) => key !== null);
    // Objects that are in no pack: some may come back with the packs that are damaged.
    const rest = named.some(({ key }) => !this.#tried.has(key)) ? named : findings;
    for (const { key } of journal.length > 0 ? journal : rest) {
      if (this.#tried.has(key)) {
        continue;
      }
      this.#tried.add(key);
      const message = key === null ? await this.#packs.missing() : await this.#one(key);
      if (message !== undefined) {
        yield { kind: 'repaired', key, message };
      }
    }
  }

  /**
   * Brings back entries after the last one: that the newest are lost shows only where a copy has them. A store that went on
   * without them has others in their place, and keeps those.
   */
  async *newerEntries(): AsyncGenerator<RepairReport> {
    const { from } = this.#options;
    let last = 0;
    for await (const { key } of this.#store.list(JOURNAL_PREFIX)) {
      last = parseJournalKey(key) ?? last;
    }
    const next = from && (await readOrNot(from, journalKey(last + 1)));
    if (!from || !next) {
      return;
    }
    await this.#demandNeighbours(from, last + 1);
    for (let seq = last + 1; await readOrNot(from, journalKey(seq)); seq++) {
      const key = journalKey(seq);
      const message = await this.#copy(key);
      if (message === undefined) {
        return;
      }
      yield { kind: 'repaired', key, message };
    }
  }

  /** Repairs the object at a key; returns what was done, or undefined where nothing could be. */
  async #one(key: string): Promise<string | undefined> {
    try {
      if (key.startsWith(SNAPSHOTS_PREFIX) || key.startsWith(HISTORY_PREFIX)) {
        return this.#hasSnapshot ? undefined : await this.#rebuildSnapshot();
      }
      const parsed = parsePackKey(key);
      if (parsed) {
        return await this.#packs.one(parsed.id, parsed.isIndex);
      }
      return await this.#copy(key);
    } catch (error) {
      if (isEngineError(error, 'corrupt') || isEngineError(error, 'not_found')) {
        return undefined;
      }
      throw error;
    }
  }

  /** Makes a snapshot of all that the log says, and lets go of those before it. */
  async #rebuildSnapshot(): Promise<string | undefined> {
    for await (const finding of checkLog(this.#store, { isDeep: true })) {
      if (finding.level === 'damage') {
        return undefined;
      }
    }
    const { clock, random, live } = this.#options;
    const journal = await Journal.open<State, Operation>({
      store: new UnsnappedStore(this.#store),
      definition,
      clock,
      random,
      engine: new IdMaker(clock, random).next(),
      snapshots: { entries: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
    });
    try {
      // One of the same entry would be taken for this one. Without any the log is read from its start.
      for (const seq of (await listSnapshots(this.#store)).complete) {
        await this.#store.delete(snapshotKey(seq, 'manifest.json'));
      }
      await journal.snapshot();
      const { history } = await readManifest(this.#store, journal.seq);
      await live?.journal.sync();
      live?.journal.history.use(history, journal.seq);
      this.#hasSnapshot = true;
      return 'Made the snapshot, and the pages of history, again from the journal';
    } finally {
      await journal.close();
    }
  }

  async #copy(key: string): Promise<string | undefined> {
    const { from } = this.#options;
    if (from === undefined) {
      return key === formatKey() ? await this.#renew() : undefined;
    }
    const bytes = await from.get(key);
    if ((await problemWith(from, key, bytes)) !== undefined) {
      return undefined;
    }
    const seq = parseJournalKey(key);
    if (seq !== undefined) {
      await this.#demandNeighbours(from, seq);
    }
    await putVerified(this.#store, key, bytes);
    return `Brought "${key}" back from ${from.url}`;
  }

  /** Writes the format anew. The id is another one then: mirrors of before are of another store. */
  async #renew(): Promise<string> {
    const { clock, random } = this.#options;
    await this.#store.delete(formatKey());
    await this.#store.put(formatKey(), newFormat(new IdMaker(clock, random).next()));
    return `Made "${formatKey()}" again, with a new id: mirrors made before are of another store now`;
  }

  /** An entry belongs here only where those beside it are the same in both stores. */
  async #demandNeighbours(from: ObjectStore, seq: number): Promise<void> {
    for (const beside of [seq - 1, seq + 1]) {
      const key = journalKey(beside);
      const [ours, theirs] = await Promise.all(
        [this.#store, from].map((one) => readOrNot(one, key)),
      );
      const isWhole = ours && (await problemWith(this.#store, key, ours)) === undefined;
      if (isWhole && theirs && !ours.equals(theirs)) {
        throw new EngineError(
          'failed_precondition',
          `Cannot repair from ${from.url}: its "${key}" is another one; it was a copy of this store once, and was written to since`,
          { details: { key } },
        );
      }
    }
  }
}

function isJournal(key: string | null): boolean {
  return key !== null && (key === formatKey() || parseJournalKey(key) !== undefined);
}

async function readOrNot(store: ObjectStore, key: string): Promise<Buffer | undefined> {
  try {
    return await store.get(key);
  } catch (error) {
    if (isEngineError(error, 'not_found')) {
      return undefined;
    }
    throw error;
  }
}
