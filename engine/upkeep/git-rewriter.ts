// Writes Git objects of several packs into new ones: copies what is there, and makes versions of a directory deltas of one
// another. What it reads it verifies, so that damage stays where it is and is told.

import { createHash } from 'node:crypto';
import { EngineError } from '../base/errors.ts';
import { MAX_OBJECT_BYTES, TARGET_PACK_BYTES } from '../base/limits.ts';
import { treeDelta } from '../git/delta.ts';
import { deltaEntry, GIT_PACK, storedEntryBytes, writeStoredEntry } from '../git/pack-format.ts';
import type { AddedPack } from '../journal/operations.ts';
import { MAX_PACK_OBJECTS, PackWriter } from '../object/pack-writer.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { Pace } from './pace.ts';
import type { PackView } from './pack-view.ts';
import { TreeContents } from './tree-contents.ts';
import { likeness, type TreeFamily, takeApart } from './tree-families.ts';

const WINDOW_BYTES = 4 * 1024 * 1024;
/** The longest chain of deltas that is made. */
const MAX_CHAIN = 16;
/** Versions that stand on one anchor. */
const ANCHOR_EVERY = 32;
/** A pack with families in it may grow up to here. */
const MAX_FAMILY_PACK = MAX_OBJECT_BYTES - 1024;
/** The part of the memory for writes that a pack may fill. It can't be sent early: families must stay together. */
const BUDGET_SHARE = 0.5;

/** Which objects of a pack are taken over; bases of taken deltas are taken too. */
export type IsKept = (view: PackView, position: number) => boolean;

/** A tree in the pack that is being written, on which others may stand. */
interface Placed {
  readonly id: string;
  readonly content: Buffer;
  readonly depth: number;
}

/** One rewrite of packs of Git objects. Finish or discard it. */
export class GitRewriter {
  readonly #context: PfsContext;
  readonly #pace: Pace;
  readonly #writer: PackWriter;
  /** Of the trees in the pack that is being written: how many deltas lead to each. */
  readonly #depths = new Map<string, number>();
  readonly #maxPack: number;
  readonly #targetPack: number;
  readonly #contents: TreeContents;
  #count = 0;

  constructor(context: PfsContext, pace: Pace) {
    this.#context = context;
    this.#contents = new TreeContents(context);
    const share = context.uploader.budgetBytes * BUDGET_SHARE;
    this.#maxPack = Math.min(MAX_FAMILY_PACK, share);
    this.#targetPack = Math.min(TARGET_PACK_BYTES, share / 2);
    this.#pace = pace;
    this.#writer = new PackWriter({
      container: GIT_PACK,
      uploader: context.uploader,
      cache: context.packs.cache,
      sealsItself: false,
    });
  }

  /** Takes the objects over; a pack whose bytes don't match its checksum is `corrupt`. */
  async write(views: readonly PackView[], isKept: IsKept): Promise<void> {
    const families: TreeFamily[] = [];
    for (const view of views) {
      await this.#verify(view);
      const parts = takeApart(view, (position) => isKept(view, position));
      families.push(...parts.families);
      await this.#copy(view, parts.others);
    }
    for (const versions of await this.#cluster(families)) {
      await this.#writeVersions(versions);
    }
  }

  /** Resolves when all is durable. */
  async finish(): Promise<AddedPack[]> {
    const packs = await this.#writer.finish();
    return packs.map(({ id, kind, bytes, objects }) => ({ id, kind, bytes, objects }));
  }

  discard(): void {
    this.#writer.discard();
  }

  /** Every byte of a Git pack is under the checksum at its end. */
  async #verify({ pack }: PackView): Promise<void> {
    const hash = createHash('sha1');
    const end = pack.bytes - GIT_PACK.trailerBytes;
    for (let start = 0; start < end; start += WINDOW_BYTES) {
      await this.#pace.step();
      const range = { start, end: Math.min(end, start + WINDOW_BYTES) };
      hash.update(await this.#context.packs.readRange(pack, range));
    }
    const trailer = await this.#context.packs.readRange(pack, { start: end, end: pack.bytes });
    if (!hash.digest().equals(trailer)) {
      throw new EngineError(
        'corrupt',
        `Cannot rewrite pack "${pack.id}": its bytes are damaged; run pfs fsck, and restore the pack from a copy`,
        { details: { pack: pack.id } },
      );
    }
  }

  /** Copies entries, given in the order of their offsets, unless they are there already. */
  async #copy(view: PackView, positions: readonly number[]): Promise<void> {
    for (const { start, end, members } of windows(view, positions)) {
      await this.#pace.step();
      const bytes = await this.#context.packs.readRange(view.pack, { start, end });
      for (const position of members) {
        const from = view.index.offsetAt(position) - start;
        const entry = bytes.subarray(from, from + view.index.storedAt(position));
        await this.#copyEntry(view, position, entry);
      }
    }
  }

  async #copyEntry({ index }: PackView, position: number, entry: Buffer): Promise<void> {
    const { id, kind, size, files, base } = index.entryAt(position);
    // A delta must stand beside its base, whatever an earlier pack of this rewrite holds.
    const isThere = base === undefined ? this.#writer.stat(id) : this.#writer.isOpen(id);
    if (isThere) {
      return;
    }
    const isFull =
      this.#writer.openBytes + entry.length > this.#targetPack || this.#count >= MAX_PACK_OBJECTS;
    if (base === undefined && isFull) {
      this.#seal();
    }
    await this.#room(entry.length);
    const stat = { kind, size, files, ...(base === undefined ? {} : { base }) };
    entry.copy(this.#writer.add(id, stat, entry.length));
    this.#count += 1;
    if (base !== undefined) {
      this.#depths.set(id, (this.#depths.get(base) ?? 0) + 1);
    }
  }

  /** Puts versions of one directory together. */
  async #cluster(families: readonly TreeFamily[]): Promise<Iterable<TreeFamily[]>> {
    const clusters = new Map<number, TreeFamily[]>();
    for (const family of families) {
      await this.#pace.step();
      const key = likeness(await this.#contents.of(family));
      const cluster = clusters.get(key);
      if (cluster) {
        cluster.push(family);
      } else {
        clusters.set(key, [family]);
      }
    }
    return clusters.values();
  }

  /**
   * Writes versions of one directory, given from old to new. What most deltas stand on already stays whole; the newest
   * version stands on it, and the others on the newest or on an anchor among them.
   */
  async #writeVersions(versions: readonly TreeFamily[]): Promise<void> {
    const newest = versions.at(-1);
    const first = versions.reduce<TreeFamily | undefined>(
      (most, one) => (one.deltas.length > (most?.deltas.length ?? 0) ? one : most),
      undefined,
    );
    const base = first ?? newest;
    if (!base || !newest) {
      return;
    }
    if (this.#writer.openBytes > this.#targetPack || this.#count >= MAX_PACK_OBJECTS) {
      this.#seal();
    }
    let root = await this.#place(base, [], 0);
    // The newest drifts away from what all stand on: from a point on it is whole again.
    let top = newest === base ? root : await this.#place(newest, [root], 1 / 8);
    if (top.depth === 0) {
      root = top;
    }
    let anchor = top;
    let count = 0;
    const others = versions.filter((one) => one !== base && one !== newest).reverse();
    for (const one of others) {
      count += 1;
      if (count % ANCHOR_EVERY === 0) {
        anchor = await this.#place(one, [top, root], 1 / 2);
      } else {
        const placed = await this.#place(one, [anchor, root], 1 / 2);
        if (placed.depth === 0 && !this.#writer.isOpen(anchor.id)) {
          // A new pack has begun: it needs a base of its own.
          [root, top, anchor] = [placed, placed, placed];
        }
      }
    }
  }

  /**
   * Writes a family, its head as a delta of the first of `bases` for which that takes at most the part `most` of its
   * length.
   */
  async #place(family: TreeFamily, bases: readonly Placed[], most: number): Promise<Placed> {
    await this.#pace.step();
    const { index, head } = family;
    const { id, kind, size, files } = index.entryAt(head);
    const content = await this.#contents.of(family);
    const bytes =
      storedEntryBytes(content.length) +
      family.deltas.reduce((sum, position) => sum + index.storedAt(position), 0);
    if (this.#writer.openBytes + bytes + GIT_PACK.trailerBytes > this.#maxPack) {
      this.#seal();
    }
    if (!this.#writer.isOpen(id)) {
      const delta = await this.#delta(family, { content, bases, most });
      const stored = delta?.entry.length ?? storedEntryBytes(content.length);
      await this.#room(stored);
      const stat = { kind, size, files, ...(delta ? { base: delta.base.id } : {}) };
      const target = this.#writer.add(id, stat, stored);
      this.#count += 1;
      if (delta) {
        delta.entry.copy(target);
        this.#depths.set(id, delta.base.depth + 1);
      } else {
        writeStoredEntry(target, 'tree', content);
      }
    }
    await this.#copy(family, family.deltas);
    return { id, content, depth: this.#depths.get(id) ?? 0 };
  }

  async #delta(
    family: TreeFamily,
    options: {
      readonly content: Buffer;
      readonly bases: readonly Placed[];
      readonly most: number;
    },
  ): Promise<{ base: Placed; entry: Buffer } | undefined> {
    const { content, most } = options;
    for (const base of new Set(options.bases)) {
      if (this.#writer.isOpen(base.id) && base.depth + 1 + family.height <= MAX_CHAIN) {
        const delta = treeDelta(base.content, content, content.length * most);
        if (delta) {
          return { base, entry: await deltaEntry(base.id, delta) };
        }
      }
    }
    return undefined;
  }

  /** Rejects with `resource_exhausted` what would wait for memory that this rewrite holds itself. */
  async #room(stored: number): Promise<void> {
    if (this.#writer.openBytes + stored > this.#maxPack && this.#count > 0) {
      throw new EngineError(
        'resource_exhausted',
        `Cannot rewrite packs: their directories need more memory than PFS_BUFFER_BYTES=${this.#context.uploader.budgetBytes} allows; raise it`,
      );
    }
    for (let wait = this.#writer.room(stored); wait; wait = this.#writer.room(stored)) {
      await wait;
    }
  }

  #seal(): void {
    this.#writer.seal();
    this.#count = 0;
    this.#depths.clear();
  }
}

/** Gathers neighbouring entries that are read together. */
function* windows(
  { index }: PackView,
  positions: readonly number[],
): Generator<{ start: number; end: number; members: number[] }> {
  let window: { start: number; end: number; members: number[] } | undefined;
  for (const position of positions) {
    const start = index.offsetAt(position);
    const end = start + index.storedAt(position);
    if (window && end - window.start <= WINDOW_BYTES) {
      window.end = end;
      window.members.push(position);
    } else {
      if (window) {
        yield window;
      }
      window = { start, end, members: [position] };
    }
  }
  if (window) {
    yield window;
  }
}
