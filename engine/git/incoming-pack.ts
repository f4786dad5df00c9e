// A pack as Git sends it, kept in a file while it is taken apart: what it holds, by id. Memory grows by some dozens of
// bytes for each object, never by what is in them (but for one at a time, and some bases of deltas).

import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { EngineError } from '../base/errors.ts';
import { applyDelta, deltaBytes } from './delta.ts';
import { type GitKind, objectId } from './object-id.ts';
import { ENTRY_KINDS, inflateFrom, OFS_DELTA, REF_DELTA, readEntryHeader } from './pack-entry.ts';

/** The largest object that is taken: it is held in memory as a whole. */
export const MAX_INCOMING_BYTES = 32 * 1024 * 1024;
const HEADER_BYTES = 12;
const TRAILER_BYTES = 20;
const READ_BYTES = 1024 * 1024;
const SMALL_READ_BYTES = 64 * 1024;
const CACHE_BYTES = 32 * 1024 * 1024;
/** The longest chain of deltas that is followed; Git's own are of 50 at most. */
const MAX_DEPTH = 4096;

export interface IncomingObject {
  readonly kind: GitKind;
  readonly content: Buffer;
}

/** An entry of the pack: where its zlib stream is, and what it stands on. */
interface Entry {
  readonly type: number;
  readonly size: number;
  readonly data: number;
  readonly end: number;
  /** Of a delta: the place of its base in the pack, or the base's id. */
  readonly base: number | string | undefined;
}

/** The objects of a pack that was received. Close it when done. */
export class IncomingPack {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #maxBytes: number;
  /** By where an entry starts in the pack. */
  readonly #entries = new Map<number, Entry>();
  readonly #places = new Map<string, { readonly at: number; readonly kind: GitKind }>();
  /** Contents of bases, in the order of their last use. */
  readonly #bases = new Map<number, IncomingObject>();
  #baseBytes = 0;

  private constructor(
    file: FileHandle,
    options: { readonly path: string; readonly maxBytes: number },
  ) {
    this.#file = file;
    this.#path = options.path;
    this.#maxBytes = options.maxBytes;
  }

  /**
   * Receives a pack into a file at `path`, which is gone once the pack is closed, and takes it apart. Rejects with `invalid` what
   * is no whole pack, stands on what it doesn't hold, or has an object of more than `maxBytes` ({@link MAX_INCOMING_BYTES} where it is not given).
   */
  static async receive(
    source: AsyncIterable<Uint8Array>,
    path: string,
    options: { readonly maxBytes?: number } = {},
  ): Promise<IncomingPack> {
    const file = await open(path, 'wx+', 0o600);
    const pack = new IncomingPack(file, { path, maxBytes: options.maxBytes ?? MAX_INCOMING_BYTES });
    try {
      const bytes = await pack.#spool(source);
      await pack.#index(bytes);
      return pack;
    } catch (error) {
      await pack.close();
      throw error;
    }
  }

  /** Returns what an object is; undefined where the pack has no such object. */
  kindOf(id: string): GitKind | undefined {
    return this.#places.get(id)?.kind;
  }

  /** Returns an object of the pack. */
  async read(id: string): Promise<IncomingObject> {
    const place = this.#places.get(id);
    if (!place) {
      throw malformed(`it lacks object ${id}`);
    }
    return await this.#resolve(place.at, 0);
  }

  /** Forgets the pack. */
  async close(): Promise<void> {
    await this.#file.close();
    await unlink(this.#path).catch(() => undefined);
  }

  /** Writes the pack into the file; returns its length without the trailer, which it checks. */
  async #spool(source: AsyncIterable<Uint8Array>): Promise<number> {
    const digest = createHash('sha1');
    let tail = Buffer.alloc(0);
    let written = 0;
    for await (const chunk of source) {
      const bytes = Buffer.concat([tail, chunk]);
      const cut = Math.max(0, bytes.length - TRAILER_BYTES);
      const body = bytes.subarray(0, cut);
      digest.update(body);
      await this.#file.write(body);
      written += body.length;
      tail = bytes.subarray(cut);
    }
    if (tail.length < TRAILER_BYTES || !digest.digest().equals(tail)) {
      throw malformed('it was cut off or damaged on its way');
    }
    return written;
  }

  async #index(bytes: number): Promise<void> {
    const header = await this.#read(0, HEADER_BYTES);
    if (header.toString('latin1', 0, 4) !== 'PACK' || header.readUInt32BE(4) !== 2) {
      throw malformed('it is no pack of version 2');
    }
    const count = header.readUInt32BE(8);
    const deltas: number[] = [];
    let window: Window = { start: 0, bytes: Buffer.alloc(0) };
    let at = HEADER_BYTES;
    for (let number = 0; number < count; number++) {
      window = await this.#windowAt(window, at, { least: 64, end: bytes });
      const head = readEntry(window.bytes, at - window.start, at);
      this.#checkSize(head.size);
      const least = head.data - at + mostDeflated(head.size);
      window = await this.#windowAt(window, at, { least, end: bytes });
      const stream = window.bytes.subarray(head.data - window.start);
      const { content, used } = inflate(stream, head.size);
      this.#entries.set(at, { ...head, end: head.data + used });
      const kind = ENTRY_KINDS[head.type];
      if (kind) {
        this.#places.set(objectId(kind, content), { at, kind });
      } else {
        // A delta of some bytes may make some gigabytes.
        this.#checkSize(deltaBytes(content));
        deltas.push(at);
      }
      at = head.data + used;
    }
    if (at !== bytes) {
      throw malformed(`${bytes - at} bytes are left over`);
    }
    await this.#indexDeltas(deltas);
  }

  #checkSize(size: number): void {
    if (size > this.#maxBytes) {
      throw new EngineError(
        'invalid',
        `Cannot take a file of ${size} bytes as part of Git's history: the most is ${this.#maxBytes}; track it with git-lfs`,
      );
    }
  }

  /** Names what deltas make: from each base to all that stands on it, so that nothing is made twice. */
  async #indexDeltas(deltas: readonly number[]): Promise<void> {
    const above = new Map<number | string, number[]>();
    for (const at of deltas) {
      const base = this.#entries.get(at)?.base ?? '';
      const standing = above.get(base) ?? [];
      standing.push(at);
      above.set(base, standing);
    }
    let left = deltas.length;
    for (const [id, { at: start }] of [...this.#places]) {
      const standing = [...(above.get(start) ?? []), ...(above.get(id) ?? [])];
      const first = standing.length > 0 ? await this.#resolve(start, 0) : undefined;
      const open = standing.map((at) => ({ at, base: first }));
      for (let next = open.pop(); next?.base; next = open.pop()) {
        const { at, base } = next;
        const { kind } = base;
        const content = undone(base.content, await this.#inflated(at));
        const made = objectId(kind, content);
        this.#places.set(made, { at, kind });
        left -= 1;
        for (const child of [...(above.get(at) ?? []), ...(above.get(made) ?? [])]) {
          open.push({ at: child, base: { kind, content } });
        }
        above.delete(made);
      }
    }
    if (left !== 0) {
      throw malformed('a delta in it stands on an object that it lacks');
    }
  }

  async #inflated(at: number): Promise<Buffer> {
    const entry = this.#entries.get(at);
    if (!entry) {
      throw malformed('a delta in it stands on nothing');
    }
    return inflate(await this.#read(entry.data, entry.end - entry.data), entry.size).content;
  }

  async #resolve(at: number, depth: number): Promise<IncomingObject> {
    const known = this.#bases.get(at);
    if (known) {
      this.#bases.delete(at);
      this.#bases.set(at, known);
      return known;
    }
    const entry = this.#entries.get(at);
    if (!entry || depth > MAX_DEPTH) {
      throw malformed('a delta in it stands on nothing');
    }
    const content = await this.#inflated(at);
    const kind = ENTRY_KINDS[entry.type];
    if (kind) {
      return { kind, content };
    }
    const baseAt =
      typeof entry.base === 'number' ? entry.base : this.#places.get(entry.base ?? '')?.at;
    const base = await this.#resolve(baseAt ?? -1, depth + 1);
    this.#keep(baseAt ?? -1, base);
    return { kind: base.kind, content: undone(base.content, content) };
  }

  #keep(at: number, base: IncomingObject): void {
    if (this.#bases.has(at) || base.content.length > CACHE_BYTES / 2) {
      return;
    }
    this.#bases.set(at, base);
    this.#baseBytes += base.content.length;
    for (const [oldest, { content }] of this.#bases) {
      if (this.#baseBytes <= CACHE_BYTES) {
        break;
      }
      this.#bases.delete(oldest);
      this.#baseBytes -= content.length;
    }
  }

  /** Returns a window that has at least so many bytes from `at` on, or all there are. */
  async #windowAt(
    window: Window,
    at: number,
    { least, end }: { readonly least: number; readonly end: number },
  ): Promise<Window> {
    const wanted = Math.min(at + least, end);
    if (at >= window.start && wanted <= window.start + window.bytes.length) {
      return window;
    }
    const bytes = await this.#read(at, Math.min(Math.max(least, READ_BYTES), end - at));
    return { start: at, bytes };
  }

  async #read(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    // What was just written is in memory still: asking another thread for a little of it takes longer than having it.
    const bytesRead =
      length <= SMALL_READ_BYTES
        ? readSync(this.#file.fd, bytes, 0, length, position)
        : (await this.#file.read(bytes, 0, length, position)).bytesRead;
    return bytes.subarray(0, bytesRead);
  }
}

interface Window {
  readonly start: number;
  readonly bytes: Buffer;
}

/** The most that a zlib stream of so many bytes takes, whoever made it (zlib's deflateBound, and some more). */
function mostDeflated(size: number): number {
  return size + Math.ceil(size / 256) + 1024;
}

/** Reads the header of the entry that starts at `start` in the pack, and at `from` in the bytes, and what names its base. */
function readEntry(bytes: Buffer, from: number, start: number): Omit<Entry, 'end'> {
  const header = readEntryHeader(bytes, from);
  if (!header) {
    throw malformed('it ends in the middle of an entry');
  }
  const { type, size } = header;
  let { at } = header;
  let base: Entry['base'];
  if (type === OFS_DELTA) {
    let byte = bytes[at++] ?? 0;
    let distance = byte & 0x7f;
    while (byte & 0x80) {
      byte = bytes[at++] ?? 0;
      distance = (distance + 1) * 128 + (byte & 0x7f);
    }
    base = start - distance;
  } else if (type === REF_DELTA) {
    base = bytes.toString('hex', at, at + 20);
    at += 20;
  } else if (!ENTRY_KINDS[type]) {
    throw malformed(`an entry has the unknown type ${type}`);
  }
  if (at > bytes.length) {
    throw malformed('it ends in the middle of an entry');
  }
  return { type, size, data: start + at - from, base };
}

function inflate(stream: Buffer, size: number): { content: Buffer; used: number } {
  try {
    return inflateFrom(stream, size);
  } catch (cause) {
    throw malformed('a zlib stream in it is damaged', cause);
  }
}

function undone(base: Buffer, delta: Buffer): Buffer {
  try {
    return applyDelta(base, delta);
  } catch (cause) {
    throw malformed('a delta in it does not fit its base', cause);
  }
}

function malformed(why: string, cause?: unknown): EngineError {
  return new EngineError('invalid', `Cannot read the pack that Git sent: ${why}`, { cause });
}
