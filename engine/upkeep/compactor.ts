// Merges small packs into few, while the engine serves. Several engines may do so at once: the journal decides whose work
// counts, and what does not is garbage like any other.

import { isEngineError } from '../base/errors.ts';
import type { PackRecord } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { type PackLoad, planMerges } from './merge-plan.ts';
import type { Pace } from './pace.ts';
import { type PackView, wholeTreeBytes } from './pack-view.ts';
import { rewritePacks } from './rewrite.ts';

/** What a compaction did. */
export interface Compacted {
  /** Packs merged, and what they were merged into. */
  readonly removed: number;
  readonly added: number;
  /** By how many bytes the live packs became smaller. */
  readonly saved: number;
}

const ACTOR = { actor: 'engine' };
const isWhole = () => true;

/** Compacts the live packs of a store. Remembers which packs are damaged, so as to leave them alone. */
export class Compactor {
  readonly #context: PfsContext;
  readonly #onProblem: (error: unknown) => void;
  readonly #damaged = new Set<string>();
  readonly #loads = new Map<string, number>();

  constructor(context: PfsContext, options: { onProblem: (error: unknown) => void }) {
    this.#context = context;
    this.#onProblem = options.onProblem;
  }

  /** Merges until no `minPacks` or more are worth it. Rejects with `cancelled` when `pace` ends it. */
  async compact(options: { readonly minPacks: number; readonly pace: Pace }): Promise<Compacted> {
    const { minPacks, pace } = options;
    const total = { removed: 0, added: 0, saved: 0 };
    for (let progress = true; progress; ) {
      progress = false;
      const views = await this.#views();
      for (const merge of planMerges(await this.#plan(views, pace), minPacks)) {
        const done = await this.#merge(
          merge.flatMap(({ id }) => views.get(id) ?? []),
          pace,
        );
        if (done) {
          progress = true;
          total.removed += done.removed;
          total.added += done.added;
          total.saved += done.saved;
        }
      }
    }
    return total;
  }

  async #views(): Promise<Map<string, PackView>> {
    const { packs } = this.#context;
    const views = [...(await packs.indexes('git')), ...(await packs.indexes('chunk'))];
    return new Map(views.map((view) => [view.pack.id, view]));
  }

  async #plan(views: ReadonlyMap<string, PackView>, pace: Pace): Promise<PackLoad[]> {
    const { state } = this.#context.journal;
    const loads: PackLoad[] = [];
    for (const id of this.#loads.keys()) {
      if (!state.packs.has(id)) {
        this.#loads.delete(id);
      }
    }
    for (const pack of [...state.packs.values()]) {
      const view = views.get(pack.id);
      if (view && !this.#damaged.has(pack.id)) {
        await pace.step();
        loads.push({ ...pack, dataBytes: this.#dataBytes(pack, view) });
      }
    }
    return loads;
  }

  #dataBytes({ id, kind, bytes }: PackRecord, { index }: PackView): number {
    const known = this.#loads.get(id);
    if (known !== undefined) {
      return known;
    }
    const data = kind === 'git' ? bytes - wholeTreeBytes(index) : bytes;
    this.#loads.set(id, data);
    return data;
  }

  /** Merges packs; undefined where nothing came of it that another plan could be made on. */
  async #merge(views: readonly PackView[], pace: Pace): Promise<Compacted | undefined> {
    const removed = views.map(({ pack }) => pack.id);
    try {
      const added = await rewritePacks(this.#context, { views, isKept: isWhole, pace });
      if (added.length >= removed.length) {
        // Nothing is gained: the packs count as full from here on.
        this.#leaveAlone(removed);
        return undefined;
      }
      await this.#context.journal.transact(
        () => ({
          operations: [{ kind: 'packs.compacted' as const, added, removed }],
          result: null,
        }),
        ACTOR,
      );
      const bytes = (packs: readonly { readonly bytes: number }[]) =>
        packs.reduce((sum, pack) => sum + pack.bytes, 0);
      const saved = bytes(views.map(({ pack }) => pack)) - bytes(added);
      return { removed: removed.length, added: added.length, saved };
    } catch (error) {
      if (isEngineError(error, 'conflict')) {
        return undefined;
      }
      if (!isEngineError(error, 'corrupt') && !isEngineError(error, 'resource_exhausted')) {
        throw error;
      }
      // Whatever cannot be read is left as it is, for whoever repairs it.
      this.#onProblem(error);
      const pack = String(error.details.pack ?? '');
      this.#leaveAlone(removed.includes(pack) ? [pack] : removed);
      return { removed: 0, added: 0, saved: 0 };
    }
  }

  #leaveAlone(packs: readonly string[]): void {
    for (const id of packs) {
      this.#damaged.add(id);
    }
  }
}
