// A write session: objects collected into packs, which are sent while more are coming. It knows nothing of what
// the objects mean, and never deletes a pack it sent.

import { EngineError } from '../base/errors.ts';
import { MAX_OBJECT_BYTES, TARGET_PACK_BYTES } from '../base/limits.ts';
import { type NewEntry, OpenPack, type PackContainer } from './open-pack.ts';
import { KEPT_PACK_BYTES, type PackCache } from './pack-cache.ts';
import type { NewPack, ObjectStat } from './pack-ref.ts';
import { PackSet } from './pack-set.ts';
import type { PackUploader, UnsentPack } from './pack-uploader.ts';

export interface PackWriterOptions {
  readonly container: PackContainer;
  readonly uploader: PackUploader;
  /** Where sealed packs are read from once they are sent. */
  readonly cache: PackCache;
  /** A pack is sealed when it would grow beyond this; 32 MiB where not named. */
  readonly targetBytes?: number;
  /** Packs are sealed only where {@link PackWriter.seal} is called, also when memory is short. */
  readonly sealsItself?: boolean;
}

interface SealedPack {
  readonly pack: NewPack;
  /** In memory until sent. */
  open: OpenPack | undefined;
  readonly sent: Promise<void>;
}

/** The most objects of one pack: keeps every index below 16 MiB. */
export const MAX_PACK_OBJECTS = 250_000;

/** Collects objects into packs and sends each pack that is full. */
export class PackWriter implements UnsentPack {
  readonly #container: PackContainer;
  readonly #uploader: PackUploader;
  readonly #target: number;
  readonly #sealsItself: boolean;
  readonly #cache: PackCache;
  readonly #index: PackSet;
  #open: OpenPack;
  #sealed = new Map<string, SealedPack>();
  #failure: { error: unknown } | undefined;
  #closed = false;

  constructor(options: PackWriterOptions) {
    this.#container = options.container;
    this.#uploader = options.uploader;
    this.#sealsItself = options.sealsItself ?? true;
    this.#target = this.#sealsItself
      ? (options.targetBytes ?? TARGET_PACK_BYTES)
      : Number.POSITIVE_INFINITY;
    this.#cache = options.cache;
    this.#index = new PackSet(options.cache);
    this.#open = new OpenPack(options.container);
    this.#uploader.enter(this);
  }

  get unsent(): number {
    return this.#sealsItself ? this.#open.heldBytes : 0;
  }

  /** Length so far of the pack that is being collected. */
  get openBytes(): number {
    return this.#open.bytes;
  }

  /** Returns whether an object is in the pack that is being collected. */
  isOpen(id: string): boolean {
    return this.#open.stat(id) !== undefined;
  }

  /**
   * Makes room for an entry of `stored` bytes, then {@link add} may be called for it before anything else is
   * awaited. Undefined when there is room already; else to be awaited, and asked again.
   */
  room(stored: number): Promise<void> | undefined {
    this.#check();
    const { bytes, container } = { bytes: this.#open.bytes, container: this.#container };
    if (stored + container.headerBytes + container.trailerBytes > MAX_OBJECT_BYTES) {
      throw new EngineError(
        'invalid',
        `Cannot store an object of ${stored} bytes: the most is ${MAX_OBJECT_BYTES}; split the directory`,
      );
    }
    const full = bytes + stored + container.trailerBytes > this.#target;
    const isCrowded = this.#sealsItself && this.#open.count >= MAX_PACK_OBJECTS;
    if (this.#open.count > 0 && (full || isCrowded)) {
      this.seal();
    }
    return this.#open.hasRoom(stored) ? undefined : this.#addSlab(stored);
  }

  /** Adds an entry of `stored` bytes and returns the place, to be filled before anything is awaited. */
  add(id: string, stat: NewEntry, stored: number): Buffer {
    this.#check();
    return this.#open.add(id, stat, stored);
  }

  /** Returns what the session knows of an object that it collected. */
  stat(id: string): ObjectStat | undefined {
    return this.#open.stat(id) ?? this.#index.findLoaded(id)?.entry;
  }

  /** Reads the entry of an object that the session collected; undefined when it has no such object. */
  async read(id: string): Promise<Buffer | undefined> {
    const open = this.#open.read(id);
    if (open) {
      return open;
    }
    const hit = this.#index.findLoaded(id);
    if (!hit) {
      return undefined;
    }
    const unsent = this.#sealed.get(hit.pack.id)?.open?.read(id);
    return unsent ?? (await this.#index.read(id)).bytes;
  }

  /** Closes the pack being collected, if it has objects, and sends it in the background; else gives its memory back. */
  seal(): void {
    const open = this.#open;
    if (open.count === 0) {
      // Memory that was asked for and then not needed: the content had been stored meanwhile.
      open.release();
      return;
    }
    this.#open = new OpenPack(this.#container);
    const index = open.toIndex();
    const { kind } = this.#container;
    const id = this.#uploader.newPackId();
    const pack: NewPack = { id, kind, bytes: index.packBytes, objects: index.count, index };
    let whole: Buffer | undefined;
    const parts = async () => {
      const made = await open.parts();
      // Whoever adds to a small pack's directory or commit reads it next.
      whole = index.packBytes <= KEPT_PACK_BYTES ? Buffer.concat(made) : undefined;
      return made;
    };
    const sealed: SealedPack = {
      pack,
      open,
      sent: this.#uploader.upload(id, { parts, index }).then(
        () => {
          if (whole) {
            this.#cache.keepPack(pack, whole);
          }
          sealed.open = undefined;
          open.release();
        },
        (error: unknown) => {
          this.#failure ??= { error };
          open.release();
        },
      ),
    };
    this.#sealed.set(id, sealed);
    this.#index.add(pack, index);
    this.#cache.keepIndex(id, index);
  }

  /**
   * Takes over all that another session collected, sent or not, so that both become one. The other session is
   * over. Objects that both have are kept once where neither has sent them.
   */
  absorb(other: PackWriter): void {
    this.#check();
    const { open, sealed } = other.#surrender();
    for (const one of sealed.values()) {
      this.#sealed.set(one.pack.id, one);
      this.#index.add(one.pack, one.pack.index);
      void one.sent.then(() => {
        this.#failure ??= other.#failure;
      });
    }
    const { headerBytes, trailerBytes } = this.#container;
    const bytes = this.#open.bytes + open.bytes - headerBytes + trailerBytes;
    const count = this.#open.count + open.count;
    if (bytes > this.#target || count > MAX_PACK_OBJECTS) {
      this.seal();
    }
    this.#open.adopt(open, (id) => this.stat(id) !== undefined);
  }

  /** Sends what is left; resolves when every pack is durable, and returns them. The session is over. */
  async finish(): Promise<NewPack[]> {
    if (!this.#failure) {
      this.#check();
      this.seal();
    }
    this.discard();
    await Promise.all(Array.from(this.#sealed.values(), ({ sent }) => sent));
    if (this.#failure) {
      throw this.#failure.error;
    }
    return Array.from(this.#sealed.values(), ({ pack }) => pack);
  }

  /** Gives up: frees the memory of what was not sent. What was sent stays, for the collector to find. */
  discard(): void {
    if (!this.#closed) {
      this.#close();
      this.#open.release();
      this.#open = new OpenPack(this.#container);
    }
  }

  #surrender(): { open: OpenPack; sealed: Map<string, SealedPack> } {
    this.#check();
    this.#close();
    const parts = { open: this.#open, sealed: this.#sealed };
    this.#open = new OpenPack(this.#container);
    this.#sealed = new Map();
    return parts;
  }

  #close(): void {
    this.#closed = true;
    this.#uploader.leave(this);
  }

  #check(): void {
    if (this.#failure) {
      throw this.#failure.error;
    }
    if (this.#closed) {
      throw new EngineError('internal', 'Cannot write objects: the session is over');
    }
  }

  async #addSlab(stored: number): Promise<void> {
    const bytes = this.#open.slabBytes(stored);
    const release = await this.#uploader.acquire(bytes);
    if (this.#closed) {
      release();
      this.#check();
    }
    if (this.#open.hasRoom(stored)) {
      release();
    } else {
      this.#open.addSlab(bytes, release);
    }
  }
}
