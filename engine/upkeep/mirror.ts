// A second bucket that is a copy of this one, brought up to date. The journal comes last and in order, so that what is
// there at any moment is a whole store, if perhaps an older one: kill a mirror anywhere, and open it.

import type { Clock } from '../base/clock.ts';
import { EngineError, isEngineError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { Entry } from '../journal/definition.ts';
import { deleteOldSnapshots, listSnapshots, readManifest } from '../journal/snapshot.ts';
import { openFormat, readFormat } from '../object/format.ts';
import {
  HISTORY_PREFIX,
  LOGS_PREFIX,
  PACKS_PREFIX,
  packIndexKey,
  packKey,
  parsePackKey,
  SNAPSHOTS_PREFIX,
} from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { PackRef } from '../object/pack-ref.ts';
import type { PfsContext } from '../pfs/context.ts';
import { addPages } from './dead-pages.ts';
import { copyEntries, lastCommon } from './mirror-journal.ts';
import type { MirrorReport } from './mirror-report.ts';
import { ObjectCopier } from './object-copier.ts';
import { openToLook } from './open-to-look.ts';

export interface MirrorOptions {
  readonly clock: Clock;
  readonly random: Random;
}

const KEPT_SNAPSHOTS = 2;
const MAX_ROUNDS = 5;
const COPIES_AT_ONCE = 4;

/**
 * Brings `target` up to what `source` is now. Only what is missing is copied. Rejects with `failed_precondition` where the
 * target is something else, or has been written to by an engine; with `corrupt`, before the mirror has changed for its
 * readers, where an object that it would need is damaged.
 */
export async function* mirrorStore(
  source: ObjectStore,
  target: ObjectStore,
  options: MirrorOptions,
): AsyncGenerator<MirrorReport> {
  await demandSame(source, target);
  const context = await openToLook(source, options);
  try {
    for (let round = 1; ; round++) {
      const mirror = new Mirror(source, target, context);
      try {
        yield* mirror.run();
        return;
      } catch (error) {
        // A pack that was collected while it was to be copied: what is reached is in another one now.
        const { seq } = context.journal;
        await context.journal.sync();
        const isStale = isEngineError(error, 'not_found') && context.journal.seq > seq;
        if (!isStale || round === MAX_ROUNDS) {
          throw error;
        }
      }
    }
  } finally {
    await context.journal.close();
  }
}

async function demandSame(source: ObjectStore, target: ObjectStore): Promise<void> {
  const format = await readFormat(source);
  if (format === undefined) {
    throw new EngineError(
      'failed_precondition',
      `Cannot mirror ${source.url}: it is not a store of pfs`,
    );
  }
  const { id } = await openFormat(target, { newId: () => format.id });
  if (id !== format.id) {
    throw new EngineError(
      'failed_precondition',
      `Cannot mirror to ${target.url}: it holds another store; choose an empty directory or prefix`,
    );
  }
}

class Mirror {
  readonly #source: ObjectStore;
  readonly #target: ObjectStore;
  readonly #context: PfsContext;
  readonly #copier: ObjectCopier;

  constructor(source: ObjectStore, target: ObjectStore, context: PfsContext) {
    this.#source = source;
    this.#target = target;
    this.#context = context;
    this.#copier = new ObjectCopier(source, target);
  }

  async *run(): AsyncGenerator<MirrorReport> {
    const last = await lastCommon(this.#context, this.#copier);
    const { seq, state } = this.#context.journal;
    const live = new Map<string, PackRef>([...state.packs.values()].map((pack) => [pack.id, pack]));
    // What was collected and is still there can be had back, from the mirror too.
    const removed = [...state.removedPacks.values()].filter(({ deleted }) => deleted === null);
    const wanted = new Map([
      ...(await this.#packsOf(last, seq)),
      ...removed.map((pack) => [pack.id, pack] as const),
      ...live,
    ]);
    yield* this.#packs([...wanted.values()], live);
    const snapshot = await this.#newestSnapshot(seq);
    yield* this.#others('history', HISTORY_PREFIX);
    yield* this.#others('logs', LOGS_PREFIX);
    const present = await sizesOf(this.#target, SNAPSHOTS_PREFIX);
    for (const key of snapshot?.pages ?? []) {
      await (present.has(key) ? undefined : this.#copier.copy(key));
    }
    yield* copyEntries(this.#copier, { from: last, to: seq });
    if (snapshot && !present.has(snapshot.manifest)) {
      await this.#copier.copy(snapshot.manifest);
    }
    await this.#sweep(live);
    yield { kind: 'summary', sequence: seq, ...this.#copier.counts };
  }

  /** Returns the packs that entries after `from` name and that are still there: an interrupted mirror needs them. */
  async #packsOf(from: number, to: number): Promise<Map<string, PackRef>> {
    const packs = new Map<string, PackRef>();
    if (from === 0) {
      // A first mirror is nothing before it is done, and needs no past.
      return packs;
    }
    for await (const entry of this.#context.journal.entries(from + 1)) {
      if (entry.seq > to) {
        break;
      }
      for (const pack of addedPacks(entry)) {
        if (!this.#context.journal.state.packs.has(pack.id)) {
          packs.set(pack.id, pack);
        }
      }
    }
    return packs;
  }

  async *#packs(
    packs: readonly PackRef[],
    live: ReadonlyMap<string, PackRef>,
  ): AsyncGenerator<MirrorReport> {
    const present = await sizesOf(this.#target, PACKS_PREFIX);
    const missing = packs.filter(
      ({ id, bytes }) => present.get(packKey(id)) !== bytes || !present.has(packIndexKey(id)),
    );
    for (let first = 0; first < missing.length; first += COPIES_AT_ONCE) {
      yield { kind: 'progress', stage: 'packs', done: first, total: missing.length };
      const some = missing.slice(first, first + COPIES_AT_ONCE);
      await Promise.all(some.map((pack) => this.#copier.copyPack(pack, live.has(pack.id))));
    }
  }

  /** Copies what is there under a prefix and not in the target. */
  async *#others(stage: string, prefix: string): AsyncGenerator<MirrorReport> {
    const present = await sizesOf(this.#target, prefix);
    const missing: string[] = [];
    for await (const { key, size } of this.#source.list(prefix)) {
      if (present.get(key) !== size) {
        missing.push(key);
      }
    }
    for (let first = 0; first < missing.length; first += COPIES_AT_ONCE) {
      yield { kind: 'progress', stage, done: first, total: missing.length };
      await Promise.all(
        missing.slice(first, first + COPIES_AT_ONCE).map((key) => this.#copier.copyIfThere(key)),
      );
    }
  }

  async #newestSnapshot(
    seq: number,
  ): Promise<{ readonly pages: string[]; readonly manifest: string } | undefined> {
    const { complete, keys } = await listSnapshots(this.#source);
    const newest = complete.findLast((candidate) => candidate <= seq);
    if (newest === undefined) {
      return undefined;
    }
    const all = keys.get(newest) ?? [];
    const manifest = all.find((key) => key.endsWith('/manifest.json')) ?? '';
    const named = (await readManifest(this.#source, newest)).tables.flatMap(({ pages }) =>
      pages.map(({ name }) => name),
    );
    return { pages: all.filter((key) => named.some((name) => key.endsWith(`/${name}`))), manifest };
  }

  /** Removes what the source has removed, and nothing that the mirror needs. */
  async #sweep(live: ReadonlyMap<string, PackRef>): Promise<void> {
    const packs = await sizesOf(this.#source, PACKS_PREFIX);
    for (const key of (await sizesOf(this.#target, PACKS_PREFIX)).keys()) {
      if (!packs.has(key) && !live.has(parsePackKey(key)?.id ?? '')) {
        await this.#copier.delete(key);
      }
    }
    await deleteOldSnapshots(this.#target, { keep: KEPT_SNAPSHOTS });
    const needed = new Set<string>();
    for (const seq of (await listSnapshots(this.#target)).complete) {
      await addPages(this.#target, (await readManifest(this.#target, seq)).history, needed);
    }
    for (const prefix of [HISTORY_PREFIX, LOGS_PREFIX]) {
      const theirs = await sizesOf(this.#source, prefix);
      for (const key of (await sizesOf(this.#target, prefix)).keys()) {
        if (!theirs.has(key) && !needed.has(key)) {
          await this.#copier.delete(key);
        }
      }
    }
  }
}

function* addedPacks(entry: Entry): Generator<PackRef> {
  for (const { operations } of entry.transactions) {
    for (const operation of operations as readonly { added?: PackRef | readonly PackRef[] }[]) {
      yield* [operation.added ?? []].flat();
    }
  }
}

async function sizesOf(store: ObjectStore, prefix: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of store.list(prefix)) {
    sizes.set(key, size);
  }
  return sizes;
}
