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
import { LinkMemory } from './link-memory.ts';
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
  readonly #memory: LinkMemory;

  /** `memory`: what earlier walks have read; this one has it until {@link end}, unless another one has it already. */
  constructor(
    context: PfsContext,
    options: {
      readonly views: readonly PackView[];
      readonly pace: Pace;
      readonly memory?: LinkMemory;
    },
  ) {
    this.#context = context;
    this.#pace = options.pace;
    this.marks = new Marks(options.views);
    this.#memory = options.memory?.take() ?? new LinkMemory();
    this.#memory.begin(this.marks);
  }

  /** Gives the memory back, however the walk went. */
  end(): void {
    this.#memory.release();
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
    const base = view.index.baseAt(place.position);
    // Of a delta only what its base lacks is looked at where the base is looked at too.
    const isPart = base >= 0 && this.marks.isReached({ slot: place.slot, position: base });
    const known = this.#memory.get(place, isPart);
    if (known) {
      for (const number of known) {
        this.#reachAgain(number);
      }
      return;
    }
    const links: number[] = [];
    await this.#read(view, { position: place.position, isPart, links });
    this.#memory.put(place, Uint32Array.from(links), isPart);
  }

  /** Reads an object and marks what it names, whose numbers are added to `links`. */
  async #read(
    view: PackView,
    work: { readonly position: number; readonly isPart: boolean; readonly links: number[] },
  ): Promise<void> {
    const { index } = view;
    const { position, isPart, links } = work;
    const code = index.kindCodeAt(position);
    if (code === LIST_CODE) {
      await this.#readList(view, position, links);
    } else if (code === TREE_CODE) {
      const tree = isPart
        ? await this.#inserted(view, position)
        : await this.#object(view, position);
      this.#reachEntries(tree, index.idAt(position), links);
    } else {
      const content = await this.#object(view, position);
      const pointer = content.length < MAX_POINTER_BYTES ? parsePointer(content) : undefined;
      if (pointer) {
        links.push(this.#reachChunk(Buffer.from(pointer.sha256, 'hex'), index.idAt(position)));
      }
    }
  }

  /** Returns the entries of a tree that its base lacks. */
  async #inserted(view: PackView, position: number): Promise<Buffer> {
    const hit = { ...view, entry: view.index.entryAt(position) };
    const stored = await this.#context.packs.readHit(hit);
    return insertedBytes((await decodeDelta(stored.bytes)).delta);
  }

  async #object(view: PackView, position: number): Promise<Buffer> {
    const { packs, objects } = this.#context;
    const entry = view.index.entryAt(position);
    return (await objects.resolve(await packs.readHit({ ...view, entry }))).content;
  }

  async #readList({ pack, index }: PackView, position: number, links: number[]): Promise<void> {
    const { id, offset, stored } = index.entryAt(position);
    const range = { start: offset, end: offset + stored };
    const { payload } = readEntry(await this.#context.packs.readRange(pack, range), id);
    for (const chunk of decodeChunkList(payload, id).chunks) {
      links.push(this.#reachChunk(Buffer.from(chunk.id, 'hex'), id));
    }
  }

  #reachEntries(tree: Buffer, id: string, links: number[]): void {
    for (let at = 0; at < tree.length; ) {
      const end = entryEnd(tree, at);
      const number = this.#reachGit(tree, end - ID_BYTES, () => `directory "${id}"`);
      if (number !== undefined) {
        links.push(number);
      }
      at = end;
    }
  }

  /** Marks a Git object and returns its number; the empty tree has none. */
  #reachGit(bytes: Buffer, at: number, of: () => string): number | undefined {
    const id = at === 0 && bytes.length === ID_BYTES ? bytes : bytes.subarray(at, at + ID_BYTES);
    const place = this.marks.find('git', id);
    if (!place) {
      const name = id.toString('hex');
      if (name !== EMPTY_TREE) {
        throw missing(name, of());
      }
      return undefined;
    }
    this.#mark(place);
    return this.#memory.numberOf(place);
  }

  #reachChunk(id: Buffer, of: string): number {
    const place = this.marks.find('chunk', id);
    if (!place) {
      throw missing(id.toString('hex'), `"${of}"`);
    }
    this.#mark(place);
    return this.#memory.numberOf(place);
  }

  /** Marks what an earlier walk found named. */
  #reachAgain(number: number): void {
    const place = this.#memory.placeOf(number);
    if (this.marks.isReached(place)) {
      return;
    }
    // Several packs may have the object: all walks mark the copy that is found first.
    const { pack, index } = this.marks.views[place.slot] as PackView;
    this.#mark(this.marks.find(pack.kind, index.idBytesAt(place.position)) ?? place);
  }

  #mark(place: Place): void {
    const { index } = this.marks.views[place.slot] as PackView;
    const code = index.kindCodeAt(place.position);
    const reads =
      code === TREE_CODE ||
      code === LIST_CODE ||
      (code === BLOB_CODE && mayBePointer(index.storedAt(place.position)));
    this.marks.mark(place, reads);
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
