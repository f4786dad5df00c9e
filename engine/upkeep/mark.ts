// Walks from roots to everything they reach. An object that is missing or damaged ends the walk: nothing may be let go of
// a store that is not whole.

import { EngineError } from '../base/errors.ts';
import { MAX_POINTER_BYTES } from '../base/limits.ts';
import { decodeChunkList } from '../content/chunk-list.ts';
import { readEntry } from '../content/chunk-pack.ts';
import { parsePointer } from '../content/pointer.ts';
import { entryEnd, insertedBytes } from '../git/delta.ts';
import { EMPTY_TREE } from '../git/object-id.ts';
import { decodeDelta, storedEntryBytes } from '../git/pack-format.ts';
import type { RepoKey } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { Marks, type Place } from './marks.ts';
import type { Pace } from './pace.ts';
import { byOffset, type PackView, TREE_CODE } from './pack-view.ts';

/** A Git object that must stay, and on whose behalf, for messages. */
export interface Root {
  readonly id: string;
  readonly of: string;
  /** The repo and the commit, or the job of that id, that names it. */
  readonly owner: { readonly repo: RepoKey; readonly commit: string };
}

const BLOB_CODE = 3;
const LIST_CODE = 17;
/** Lengths of the text of a pointer lie between these. */
const MIN_POINTER = 120;
const MAX_POINTER = 170;
const ID_BYTES = 20;

/** One walk over the packs that were live when it began. */
export class Marker {
  readonly marks: Marks;
  readonly #context: PfsContext;
  readonly #pace: Pace;

  constructor(
    context: PfsContext,
    options: { readonly views: readonly PackView[]; readonly pace: Pace },
  ) {
    this.#context = context;
    this.#pace = options.pace;
    this.marks = new Marks(options.views);
  }

  /** Marks a root; {@link finish} walks on from there. */
  add({ id, of }: Root): void {
    this.#reachGit(Buffer.from(id, 'hex'), 0, () => of);
  }

  /** As {@link add}, but passes over what came into the store after the walk began: that must be in a newer pack. */
  async addLate(root: Root): Promise<void> {
    const isNew = !this.marks.find('git', Buffer.from(root.id, 'hex'));
    if (!isNew || !(await this.#context.packs.find(root.id))) {
      this.add(root);
    }
  }

  /** Marks all that the roots reach. Rejects with `corrupt` when something of that can't be read. */
  async finish(): Promise<void> {
    for (let next = this.marks.next(); next; next = this.marks.next()) {
      const { slot, isPending } = next;
      const view = this.marks.views[slot] as PackView;
      for (const position of byOffset(view.index, isPending)) {
        await this.#pace.step();
        await this.#look(view, { slot, position });
        this.marks.finish({ slot, position });
      }
    }
    this.marks.markBases();
  }

  async #look(view: PackView, place: Place): Promise<void> {
    const { index } = view;
    const code = index.kindCodeAt(place.position);
    if (code === LIST_CODE) {
      await this.#lookAtList(view, place.position);
    } else if (code === TREE_CODE) {
      this.#reachEntries(await this.#entries(view, place), index.idAt(place.position));
    } else {
      const { content } = await this.#object(view, place.position);
      const pointer = content.length < MAX_POINTER_BYTES ? parsePointer(content) : undefined;
      if (pointer) {
        this.#reachChunk(Buffer.from(pointer.sha256, 'hex'), index.idAt(place.position));
      }
    }
  }

  /** Returns entries of a tree: all of them, or those that its base lacks where the base is looked at too. */
  async #entries(view: PackView, { slot, position }: Place): Promise<Buffer> {
    const { packs } = this.#context;
    const base = view.index.baseAt(position);
    if (base >= 0 && this.marks.isReached({ slot, position: base })) {
      const stored = await packs.readHit({ ...view, entry: view.index.entryAt(position) });
      return insertedBytes((await decodeDelta(stored.bytes)).delta);
    }
    return (await this.#object(view, position)).content;
  }

  async #object(view: PackView, position: number) {
    const { packs, objects } = this.#context;
    const entry = view.index.entryAt(position);
    return await objects.resolve(await packs.readHit({ ...view, entry }));
  }

  async #lookAtList({ pack, index }: PackView, position: number): Promise<void> {
    const { id, offset, stored } = index.entryAt(position);
    const range = { start: offset, end: offset + stored };
    const { payload } = readEntry(await this.#context.packs.readRange(pack, range), id);
    for (const chunk of decodeChunkList(payload, id).chunks) {
      this.#reachChunk(Buffer.from(chunk.id, 'hex'), id);
    }
  }

  #reachEntries(tree: Buffer, id: string): void {
    for (let at = 0; at < tree.length; ) {
      const end = entryEnd(tree, at);
      this.#reachGit(tree, end - ID_BYTES, () => `directory "${id}"`);
      at = end;
    }
  }

  #reachGit(bytes: Buffer, at: number, of: () => string): void {
    const id = at === 0 && bytes.length === ID_BYTES ? bytes : bytes.subarray(at, at + ID_BYTES);
    const place = this.marks.find('git', id);
    if (!place) {
      const name = id.toString('hex');
      if (name !== EMPTY_TREE) {
        throw missing(name, of());
      }
      return;
    }
    const { index } = this.marks.views[place.slot] as PackView;
    const code = index.kindCodeAt(place.position);
    const reads =
      code === TREE_CODE || (code === BLOB_CODE && mayBePointer(index.storedAt(place.position)));
    this.marks.mark(place, reads);
  }

  #reachChunk(id: Buffer, of: string): void {
    const place = this.marks.find('chunk', id);
    if (!place) {
      throw missing(id.toString('hex'), `"${of}"`);
    }
    const { index } = this.marks.views[place.slot] as PackView;
    this.marks.mark(place, index.kindCodeAt(place.position) === LIST_CODE);
  }
}

function mayBePointer(stored: number): boolean {
  return stored >= storedEntryBytes(MIN_POINTER) && stored <= storedEntryBytes(MAX_POINTER);
}

function missing(id: string, of: string): EngineError {
  return new EngineError(
    'corrupt',
    `Cannot collect: object "${id}", which ${of} needs, is in no live pack; nothing was removed, run pfs fsck`,
    { details: { object: id } },
  );
}
