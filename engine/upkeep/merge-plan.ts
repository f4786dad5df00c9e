// Which packs to merge: so that a repo has few, and none is written anew again and again. Pure.

import type { PackKind } from '../object/pack-ref.ts';

const MiB = 1024 * 1024;
/** A pack with so much in it, whole trees aside, is left alone. */
const FULL_BYTES = 16 * MiB;
/** The largest pack of a merge is at most so many times what the others hold together, in bytes and in objects. */
const GROWTH = 2;
/** So many objects are no work worth counting. */
const FEW_OBJECTS = 4000;
const MAX_MERGE_BYTES = 512 * MiB;
const MAX_MERGE_DATA = 48 * MiB;
const MAX_MERGE_OBJECTS = 250_000;
/** Packs of up to this size are merged across repos where there are many. */
const TINY_BYTES = 256 * 1024;
const MIN_TINY_PACKS = 32;

/** A live pack as the plan sees it. */
export interface PackLoad {
  readonly id: string;
  readonly kind: PackKind;
  readonly repos: readonly string[];
  readonly bytes: number;
  readonly objects: number;
  /** Bytes without those of whole trees, which may become deltas. */
  readonly dataBytes: number;
}

/** Returns sets of packs, each to be merged into as few as fit, and each of at least `minPacks`. */
export function planMerges(packs: readonly PackLoad[], minPacks: number): PackLoad[][] {
  const merges: PackLoad[][] = [];
  const taken = new Set<string>();
  const open = packs.filter(({ dataBytes }) => dataBytes < FULL_BYTES);
  const gather = (of: readonly PackLoad[], least: number) => {
    const merge = pickMerge(of, least);
    if (merge) {
      merges.push(merge);
      for (const { id } of merge) {
        taken.add(id);
      }
    }
  };
  for (const group of groupBy(open, ({ kind, repos }) => `${kind} ${repos[0] ?? ''}`)) {
    gather(group, minPacks);
  }
  const tiny = open.filter(({ id, bytes }) => !taken.has(id) && bytes <= TINY_BYTES);
  for (const group of groupBy(tiny, ({ kind }) => kind)) {
    gather(group, Math.max(minPacks, MIN_TINY_PACKS));
  }
  return merges;
}

/**
 * Returns the most packs, from the smallest on, of which the largest is small beside the rest: what is written anew is
 * in proportion to what is new.
 */
function pickMerge(packs: readonly PackLoad[], minPacks: number): PackLoad[] | undefined {
  const sorted = [...packs].sort((a, b) => a.bytes - b.bytes || (a.id < b.id ? -1 : 1));
  let bytes = 0;
  let data = 0;
  let objects = 0;
  let count = 0;
  for (const [i, pack] of sorted.entries()) {
    const isProportionate = pack.bytes <= GROWTH * bytes;
    bytes += pack.bytes;
    data += pack.dataBytes;
    objects += pack.objects;
    if (bytes > MAX_MERGE_BYTES || data > MAX_MERGE_DATA || objects > MAX_MERGE_OBJECTS) {
      break;
    }
    count = isProportionate ? i + 1 : count;
  }
  const merge = withoutCrowded(sorted.slice(0, count));
  return merge.length >= Math.max(2, minPacks) ? merge : undefined;
}

/** Leaves out packs of so many objects that copying them would be most of the work. */
function withoutCrowded(packs: readonly PackLoad[]): PackLoad[] {
  const left = [...packs].sort((a, b) => a.objects - b.objects);
  let objects = left.reduce((sum, pack) => sum + pack.objects, 0);
  for (let last = left.at(-1); last; last = left.at(-1)) {
    objects -= last.objects;
    if (last.objects <= GROWTH * Math.max(objects, FEW_OBJECTS)) {
      break;
    }
    left.pop();
  }
  return left;
}

function groupBy(
  packs: readonly PackLoad[],
  keyOf: (pack: PackLoad) => string,
): Iterable<PackLoad[]> {
  const groups = new Map<string, PackLoad[]>();
  for (const pack of packs) {
    const key = keyOf(pack);
    const group = groups.get(key);
    if (group) {
      group.push(pack);
    } else {
      groups.set(key, [pack]);
    }
  }
  return groups.values();
}
