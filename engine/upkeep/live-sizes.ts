// Sizes of objects for an index that is made again. They stand in the indexes of the packs that have the objects; where such an
// index is lost too, they follow from the pack itself.

import { EngineError, isEngineError } from '../base/errors.ts';
import { GitReader } from '../git/git-reader.ts';
import { EMPTY_TREE } from '../git/object-id.ts';
import type { PackRecord } from '../journal/records.ts';
import { packKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { PackCache } from '../object/pack-cache.ts';
import type { ObjectStat } from '../object/pack-ref.ts';
import { PackSet } from '../object/pack-set.ts';
import { rebuildIndex } from './pack-scan.ts';

const NOTHING: ObjectStat = { kind: 'blob', size: 0, files: 0 };

/** The Git objects of some packs, each with its size. */
export class LiveSizes {
  readonly #packs: PackSet;
  readonly #trees: GitReader;
  /** Packs without an index: those sizes in what was made in its place that are of trees are wrong. */
  readonly #bare: ReadonlySet<string>;
  readonly #known = new Map<string, ObjectStat>();
  /** A pack that can't be read: what it has is not known. */
  readonly #lost: string | undefined;

  private constructor(packs: PackSet, bare: ReadonlySet<string>, lost: string | undefined) {
    this.#packs = packs;
    this.#trees = new GitReader(packs);
    this.#bare = bare;
    this.#lost = lost;
  }

  static async open(store: ObjectStore, packs: Iterable<PackRecord>): Promise<LiveSizes> {
    const cache = new PackCache(store);
    const set = new PackSet(cache);
    const bare = new Set<string>();
    let lost: string | undefined;
    for (const pack of packs) {
      if (pack.kind !== 'git') {
        continue;
      }
      const index = await cache.readIndex(pack.id).catch(demandCorrupt);
      if (index) {
        set.add(pack, index);
        continue;
      }
      try {
        const bytes = await store.get(packKey(pack.id));
        set.add(pack, await rebuildIndex(store, { pack, bytes }, async () => undefined));
        bare.add(pack.id);
      } catch (error) {
        demandCorrupt(error);
        lost = packKey(pack.id);
      }
    }
    return new LiveSizes(set, bare, lost);
  }

  /** Returns the size of an object; undefined where no pack has it: then nothing that is live needs it. */
  async statOf(id: string): Promise<ObjectStat | undefined> {
    const hit = await this.#packs.find(id);
    if (hit === undefined) {
      if (this.#lost !== undefined && id !== EMPTY_TREE) {
        throw new EngineError(
          'corrupt',
          `Cannot size object "${id}": it may be in pack "${this.#lost}", which can't be read`,
        );
      }
      return undefined;
    }
    return hit.entry.kind === 'tree' && this.#bare.has(hit.pack.id)
      ? await this.#treeStat(id)
      : hit.entry;
  }

  async #treeStat(id: string): Promise<ObjectStat> {
    const known = this.#known.get(id);
    if (known) {
      return known;
    }
    let size = 0;
    let files = 0;
    for (const child of await this.#trees.readTree(id)) {
      const stat = (await this.statOf(child.id)) ?? NOTHING;
      size += stat.size;
      files += stat.files;
    }
    const stat: ObjectStat = { kind: 'tree', size, files };
    this.#known.set(id, stat);
    return stat;
  }
}

function demandCorrupt(error: unknown): undefined {
  if (!isEngineError(error, 'corrupt') && !isEngineError(error, 'not_found')) {
    throw error;
  }
}
