// The port to the bucket. It moves bytes under keys and knows nothing of what they mean.

/** What a store says of an object without reading it. */
export interface ObjectInfo {
  readonly key: string;
  /** In bytes. */
  readonly size: number;
  /**
   * Time of the last change by the store's own clock, in milliseconds since the Unix epoch. Some stores know only
   * whole seconds.
   */
  readonly modified: number;
}

/** A range of bytes: `start` is the first, `end` is one past the last. `start === end` is an empty range. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface GetOptions {
  readonly range?: ByteRange;
  /** Past all caches: what came before was damaged. */
  readonly fresh?: boolean;
  /**
   * Memory that is long enough. A store that can read into it does, from its beginning on, and what it returns is a part of it; others
   * pay no heed to it. Nobody else may touch it until the answer is there.
   */
  readonly into?: Buffer | undefined;
  readonly signal?: AbortSignal;
}

export interface PutOptions {
  /** Refuse with `already_exists`, atomically, when the key has an object. */
  readonly ifAbsent?: boolean;
  readonly signal?: AbortSignal;
}

export interface ListOptions {
  readonly startAfter?: string;
}

/**
 * A flat map from keys to immutable byte strings of at most 64 MiB. Keys are made by `keys.ts`: segments of
 * `a-z 0-9 . _ -`, each starting with a letter or digit, joined by `/`. No key is another key plus `/…`: a
 * file system cannot hold both.
 *
 * Every store, whatever it is built on, keeps these promises (`test/conformance/object-store.ts`):
 * - A put that has resolved is durable, and every later `get`, `head` and `list`, by anyone, sees it.
 * - A reader sees a whole object or none. Bytes that arrive short or damaged reject, they are never returned.
 * - Of any number of puts with `ifAbsent` to one key, by any processes, exactly one resolves; the others reject
 *   with `already_exists`. A put whose own bytes are what the key already holds counts as having won: that is how
 *   a writer whose answer was lost learns that its write landed. Where the outcome cannot be learned the error is
 *   `unavailable`, never "failed". So writers that must be told apart write bytes that differ.
 * - Because of that, every operation may be repeated after `unavailable`, with the same arguments, and only
 *   after `unavailable` does repeating help.
 * - Absent keys are `not_found`; an I/O failure never is: it is `unavailable`, `resource_exhausted` (store full)
 *   or `failed_precondition` (read-only, no permission, no such bucket, not ours).
 * - `get` with a range that reaches beyond the object rejects with `corrupt`.
 * - A key, prefix or range of the wrong form, and an object over 64 MiB, reject with `invalid`.
 * - Once `signal` aborts, the call rejects with `cancelled` as soon as it can; a put may have landed all the same.
 */
export interface ObjectStore {
  /** What users call this store, for messages: `file:///…`, `s3://bucket/prefix`, `memory:`. No secrets. */
  readonly url: string;
  /** Reads an object, or a range of one, into a buffer that is the caller's own. */
  get(key: string, options?: GetOptions): Promise<Buffer>;
  /** Writes the concatenation of `bytes`, which the caller leaves alone until the put has settled. */
  put(key: string, bytes: Uint8Array | readonly Uint8Array[], options?: PutOptions): Promise<void>;
  head(key: string): Promise<ObjectInfo>;
  /**
   * Lists keys that start with `prefix` and sort after `startAfter`, in the order of their bytes. What was there
   * before the listing began and stays is shown; what comes or goes meanwhile may or may not be.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>;
  /** Removes an object. Removing an absent one is no error. */
  delete(key: string): Promise<void>;
}
