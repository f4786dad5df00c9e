// What joins and groups have in common: items gathered by key. Memory is bounded: where there are more items than may be
// held, the sources are gone through several times, and each time only a part of the keys is looked at.

import type { Row } from './datum-rows.ts';

/** Items with the keys they are gathered by; can be gone through more than once, always in the same order. */
export interface KeyedSource<T> {
  items(): AsyncIterable<readonly [key: string, item: T]>;
}

/** All items of one key: a list for each source, in their order. */
export type Gathered<T> = readonly (readonly T[])[];

/** The most items held at once, but for those of one key (and of the few keys that share its bucket). */
const MAX_HELD_ITEMS = 100_000;
const BUCKETS = 4096;

/**
 * Yields what the sources have for each key, every key once. Up to `maxHeld` items cost one pass through the sources, and
 * come in the order in which their keys first did; more cost another pass for each `maxHeld`.
 */
export async function* gatherByKey<T>(
  sources: readonly KeyedSource<T>[],
  options: { readonly maxHeld?: number } = {},
): AsyncGenerator<Gathered<T>> {
  const { maxHeld = MAX_HELD_ITEMS } = options;
  const all = await gather(sources, { limit: maxHeld });
  if (all !== undefined) {
    yield* all.values();
    return;
  }
  const counts = await countBuckets(sources);
  for (const part of partition(counts, maxHeld)) {
    const some = await gather(sources, { limit: Number.POSITIVE_INFINITY, part });
    yield* some?.values() ?? [];
  }
}

/** Returns the rows of all combinations of one row of each list, the last list turning fastest. */
export function* combine(lists: readonly (readonly Row[])[], prefix: Row = []): Generator<Row> {
  const [list = [], ...rest] = lists;
  for (const row of list) {
    const joined = prefix.length === 0 ? row : [...prefix, ...row];
    if (rest.length === 0) {
      yield joined;
    } else {
      yield* combine(rest, joined);
    }
  }
}

/** Buckets from `first` up to but without `end`. */
interface Part {
  readonly first: number;
  readonly end: number;
}

/** Gathers the items whose keys fall into a part; undefined as soon as there are more than `limit`. */
async function gather<T>(
  sources: readonly KeyedSource<T>[],
  options: { readonly limit: number; readonly part?: Part },
): Promise<Map<string, T[][]> | undefined> {
  const { limit, part } = options;
  const found = new Map<string, T[][]>();
  let held = 0;
  for (const [index, source] of sources.entries()) {
    for await (const [key, item] of source.items()) {
      if (part && !isIn(part, bucketOf(key))) {
        continue;
      }
      held += 1;
      if (held > limit) {
        return undefined;
      }
      let lists = found.get(key);
      if (lists === undefined) {
        lists = sources.map(() => []);
        found.set(key, lists);
      }
      lists[index]?.push(item);
    }
  }
  return found;
}

async function countBuckets<T>(sources: readonly KeyedSource<T>[]): Promise<Uint32Array> {
  const counts = new Uint32Array(BUCKETS);
  for (const source of sources) {
    for await (const [key] of source.items()) {
      const bucket = bucketOf(key);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
  }
  return counts;
}

/** Cuts the buckets into parts of at most `maxHeld` items, but for single buckets that have more. */
function* partition(counts: Uint32Array, maxHeld: number): Generator<Part> {
  let first = 0;
  let held = 0;
  for (const [bucket, count] of counts.entries()) {
    if (held > 0 && held + count > maxHeld) {
      yield { first, end: bucket };
      first = bucket;
      held = 0;
    }
    held += count;
  }
  yield { first, end: counts.length };
}

function isIn(part: Part, bucket: number): boolean {
  return part.first <= bucket && bucket < part.end;
}

/** FNV-1a over UTF-16 units: only spreads keys, and decides nothing that is stored. */
function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) % BUCKETS;
}
