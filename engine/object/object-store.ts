// The port to the bucket. It moves bytes under keys and knows nothing of what they mean.

/** What a store says of an object without reading it. */
export interface ObjectInfo {
  readonly key: string;
  /** In bytes. */
  readonly size: number;
  /** Time of the last change by the store's own clock, in milliseconds since the Unix epoch. */
  readonly modified: number;
}

/** A range of bytes: `start` is the first, `end` is one past the last. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface GetOptions {
  readonly range?: ByteRange;
  readonly signal?: AbortSignal;
}

export interface PutOptions {
  /** Refuse with `already_exists`, atomically, when the key has an object. */
  readonly ifAbsent?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * A flat map from keys to immutable byte strings of at most 64 MiB. Keys are ASCII paths made by `keys.ts`.
 *
 * Every store, whatever it is built on, keeps these promises (`test/conformance/object-store.ts`):
 * - A put that has resolved is durable, and every later `get`, `head` and `list`, by anyone, sees it.
 * - A reader sees a whole object or none.
 * - Of any number of puts with `ifAbsent` to one key, by any processes, exactly one resolves; the others reject
 *   with `already_exists`. A put whose own bytes are what the key already holds counts as having won: that is how
 *   a writer whose answer was lost learns that its write landed. Where the outcome cannot be learned the error is
 *   `unavailable`, never "failed".
 * - Absent keys are `not_found`; an I/O failure never is: it is `unavailable`, `resource_exhausted` (store full)
 *   or `failed_precondition` (read-only, no permission).
 * - `get` with a range that reaches beyond the object rejects with `corrupt`.
 */
export interface ObjectStore {
  /** What users call this store, for messages: `file:///…`, `s3://bucket/prefix`, `memory:`. No secrets. */
  readonly url: string;
  get(key: string, options?: GetOptions): Promise<Buffer>;
  /** Writes the concatenation of `bytes`. */
  put(key: string, bytes: Uint8Array | readonly Uint8Array[], options?: PutOptions): Promise<void>;
  head(key: string): Promise<ObjectInfo>;
  /** Lists keys that start with `prefix` and sort after `startAfter`, in the order of their bytes. */
  list(prefix: string, options?: { startAfter?: string }): AsyncIterable<ObjectInfo>;
  /** Removes an object. Removing an absent one is no error. */
  delete(key: string): Promise<void>;
}
