// Repairs packs and their indexes: an index from its pack, a pack by its key from a copy, and, where the copy keeps the same
// objects in other packs, object by object.

import { ByteBudget } from '../base/byte-budget.ts';
import { isEngineError } from '../base/errors.ts';
import { IdMaker } from '../base/ids.ts';
import type { Operation } from '../journal/operations.ts';
import { packIndexKey, packKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { PackKind, PackRef } from '../object/pack-ref.ts';
import type { PfsContext } from '../pfs/context.ts';
import { openPfs } from '../pfs/open.ts';
import { putVerified, readVerifiedIndex, readVerifiedPack } from './copy-object.ts';
import { LiveSizes } from './live-sizes.ts';
import { openToLook } from './open-to-look.ts';
import { rebuildIndex } from './pack-scan.ts';
import type { RepairOptions } from './repair.ts';
import { type Salvaged, salvage } from './salvage.ts';

const BUDGET_BYTES = 192 * 1024 * 1024;

/** Repairs the packs of one store. */
export class PackRepair {
  readonly #store: ObjectStore;
  readonly #options: RepairOptions;

  constructor(store: ObjectStore, options: RepairOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Repairs a pack or its index; returns what was done, or undefined where nothing could be. */
  async one(id: string, isIndex: boolean): Promise<string | undefined> {
    const context = await openToLook(this.#store, this.#options);
    try {
      const pack = context.journal.state.packs.get(id);
      if (pack === undefined) {
        return undefined;
      }
      return await (isIndex ? this.#index(pack, context) : this.#pack(pack));
    } finally {
      await context.journal.close();
    }
  }

  /** Brings back what is in no pack of the store any more and in the copy still; returns what was done. */
  async missing(): Promise<string | undefined> {
    const { from } = this.#options;
    if (from === undefined) {
      return undefined;
    }
    let taken = 0;
    for (const kind of ['git', 'chunk'] as const) {
      taken += (await this.#salvage(from, kind, undefined))?.taken ?? 0;
    }
    return taken === 0 ? undefined : `Brought ${taken} objects back from ${from.url}`;
  }

  async #index(pack: PackRef, context: PfsContext): Promise<string | undefined> {
    const key = packIndexKey(pack.id);
    const { from } = this.#options;
    try {
      const bytes = await this.#store.get(packKey(pack.id));
      const others = [...context.journal.state.packs.values()].filter(({ id }) => id !== pack.id);
      const sizes = await LiveSizes.open(this.#store, others);
      const index = await rebuildIndex(this.#store, { pack, bytes }, (id) => sizes.statOf(id));
      await putVerified(this.#store, key, index.bytes);
      return `Made index "${key}" again from its pack`;
    } catch (error) {
      if (from === undefined || !isEngineError(error)) {
        throw error;
      }
      const verified = await readVerifiedPack(from, pack);
      await putVerified(this.#store, key, await readVerifiedIndex(from, pack, verified));
      return `Brought index "${key}" back from ${from.url}`;
    }
  }

  async #pack(pack: PackRef): Promise<string | undefined> {
    const { from } = this.#options;
    if (from === undefined) {
      return undefined;
    }
    const key = packKey(pack.id);
    try {
      const { bytes } = await readVerifiedPack(from, pack);
      await putVerified(this.#store, key, bytes);
      return `Brought pack "${key}" back from ${from.url}`;
    } catch (error) {
      if (!isEngineError(error, 'corrupt') && !isEngineError(error, 'not_found')) {
        throw error;
      }
    }
    const salvaged = await this.#salvage(from, pack.kind, pack);
    return salvaged && tell(pack, salvaged, from.url);
  }

  /**
   * Writes new packs from what can be read here and in the copy, in place of `pack` where there is one. Undefined where the copy
   * had nothing for it: nothing is changed.
   */
  async #salvage(
    from: ObjectStore,
    kind: PackKind,
    pack: PackRef | undefined,
  ): Promise<Salvaged | undefined> {
    const copy = await openToLook(from, this.#options);
    try {
      return await this.#writing(async (context) => {
        const salvaged = await salvage(context, { kind, copy, ...(pack ? { pack } : {}) });
        const repo = [...context.journal.state.repos.keys()][0];
        const { added, taken } = salvaged;
        if (taken === 0 || repo === undefined) {
          return undefined;
        }
        const operation: Operation = pack
          ? { kind: 'packs.compacted', added, removed: [pack.id] }
          : { kind: 'packs.added', repo, added, relied: [] };
        await context.journal.transact(() => ({ operations: [operation], result: null }), {
          actor: 'engine',
        });
        return salvaged;
      });
    } finally {
      await copy.journal.close();
    }
  }

  /** Runs `work` on the engine that has the store open, or on one that has it open for this alone. */
  async #writing<T>(work: (context: PfsContext) => Promise<T>): Promise<T> {
    const { clock, random, live } = this.#options;
    if (live) {
      await live.journal.sync();
      return await work(live);
    }
    const ids = new IdMaker(clock, random);
    const never = Number.POSITIVE_INFINITY;
    const context = await openPfs({
      store: this.#store,
      clock,
      random,
      ids,
      budget: new ByteBudget(BUDGET_BYTES),
      engine: ids.next(),
      snapshots: { entries: never, bytes: never },
    });
    try {
      return await work(context);
    } finally {
      await context.journal.close();
    }
  }
}

function tell(pack: PackRef, { taken, lost, isIndexed }: Salvaged, url: string): string {
  const key = packKey(pack.id);
  const done = `Put what pack "${key}" held together again, ${taken} objects of it from ${url}`;
  if (!isIndexed) {
    return `${done}; its index was lost, so what is newer than the copy may be missing: run pfs fsck, and keep a copy of "${key}" until then`;
  }
  return lost === 0 ? done : `${done}; ${lost} are in neither`;
}
