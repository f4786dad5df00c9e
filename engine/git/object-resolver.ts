// From an entry of a pack to the object it stands for: undoes deltas, and verifies that the object is what it is said to
// be. Keeps the bases that were used last.

import { EngineError } from '../base/errors.ts';
import type { StoredObject } from '../object/pack-set.ts';
import { applyDelta } from './delta.ts';
import { type GitKind, objectId } from './object-id.ts';
import { type DecodedEntry, decodeDelta, decodeEntry } from './pack-format.ts';

/** A Git object's content. The buffer may be shared: it must not be written to. */
export interface GitObject {
  readonly id: string;
  readonly kind: GitKind;
  readonly content: Buffer;
}

/** The longest chain of deltas that is followed. Packs hold much shorter ones. */
const MAX_DEPTH = 64;

/** Decodes what packs hold. */
export class ObjectResolver {
  readonly #maxBytes: number;
  /** Contents of bases by id, in the order of their last use. */
  readonly #bases = new Map<string, DecodedEntry>();
  #bytes = 0;

  constructor(options: { maxBytes?: number } = {}) {
    this.#maxBytes = options.maxBytes ?? 32 * 1024 * 1024;
  }

  /** Decodes and verifies an object; a damaged one is `corrupt` and names its pack. Waits only where it must. */
  resolve(stored: StoredObject): GitObject | Promise<GitObject> {
    try {
      const decoded = stored.base ? this.#undo(stored, 0) : decodeEntry(stored.bytes);
      return decoded instanceof Promise
        ? decoded.then(
            (entry) => verify(stored, entry),
            (cause: unknown) => {
              throw damaged(stored, cause);
            },
          )
        : verify(stored, decoded);
    } catch (cause) {
      throw damaged(stored, cause);
    }
  }

  /** Forgets what is kept: one of the bases may have come damaged. */
  forgetBases(): void {
    this.#bases.clear();
    this.#bytes = 0;
  }

  async #undo(stored: StoredObject, depth: number): Promise<DecodedEntry> {
    if (!stored.base) {
      return decodeEntry(stored.bytes);
    }
    if (depth >= MAX_DEPTH) {
      throw new Error(`it is at the end of more than ${MAX_DEPTH} deltas`);
    }
    const { base: id, delta } = await decodeDelta(stored.bytes);
    if (id !== stored.entry.base) {
      throw new Error(`it is a delta of "${id}", not of "${stored.entry.base}"`);
    }
    const { kind, content } = await this.#base(id, stored.base, depth);
    return { kind, content: applyDelta(content, delta) };
  }

  async #base(id: string, read: () => Promise<StoredObject>, depth: number): Promise<DecodedEntry> {
    const known = this.#bases.get(id);
    if (known) {
      this.#bases.delete(id);
      this.#bases.set(id, known);
      return known;
    }
    const base = await this.#undo(await read(), depth + 1);
    if (base.content.length <= this.#maxBytes / 2 && !this.#bases.has(id)) {
      this.#bases.set(id, base);
      this.#bytes += base.content.length;
      for (const [oldest, { content }] of this.#bases) {
        if (this.#bytes <= this.#maxBytes) {
          break;
        }
        this.#bases.delete(oldest);
        this.#bytes -= content.length;
      }
    }
    return base;
  }
}

function verify(stored: StoredObject, { kind, content }: DecodedEntry): GitObject {
  const { id } = stored.entry;
  if (objectId(kind, content) !== id) {
    throw damaged(stored, undefined);
  }
  return { id, kind, content };
}

function damaged(stored: StoredObject, cause: unknown): EngineError {
  const { entry, pack } = stored;
  if (cause instanceof EngineError && cause.code !== 'corrupt') {
    return cause;
  }
  return new EngineError(
    'corrupt',
    `Cannot read object "${entry.id}": its bytes in pack "${pack.id}" are damaged; restore the pack from a copy`,
    { cause, details: { object: entry.id, pack: pack.id } },
  );
}
