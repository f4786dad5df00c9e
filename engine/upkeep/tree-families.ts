// Trees of a pack and the deltas that stand on them, which stay together when packs are written anew; and which of them
// are versions of one directory.

import { entryEnd } from '../git/delta.ts';
import type { PackIndex } from '../object/pack-index.ts';
import { byOffset, type PackView, TREE_CODE } from './pack-view.ts';

/** A whole tree and the deltas that stand on it, directly or not, in the order in which they stand in the pack. */
export interface TreeFamily extends PackView {
  readonly head: number;
  readonly deltas: readonly number[];
  /** How many deltas its longest chain has. */
  readonly height: number;
}

/** Whole trees below this are copied as they are: a delta would hardly be shorter. */
const MIN_TREE_BYTES = 256;

/** Takes the wanted objects of a pack apart: families of trees, and all others in their order. */
export function takeApart(
  view: PackView,
  isWanted: (position: number) => boolean,
): { families: TreeFamily[]; others: number[] } {
  const { index } = view;
  const deltas = new Map<number, number[]>();
  const heights = new Map<number, number>();
  const heads: number[] = [];
  const others: number[] = [];
  for (const position of byOffset(index, isWanted)) {
    if (index.baseAt(position) >= 0) {
      const { root, depth } = rootOf(index, position);
      const family = deltas.get(root);
      if (family) {
        family.push(position);
      } else {
        deltas.set(root, [position]);
      }
      heights.set(root, Math.max(depth, heights.get(root) ?? 0));
    } else if (
      index.kindCodeAt(position) === TREE_CODE &&
      index.storedAt(position) >= MIN_TREE_BYTES
    ) {
      heads.push(position);
    } else {
      others.push(position);
    }
  }
  // A tree that deltas stand on is a head whatever its length.
  const small = others.filter((position) => deltas.has(position));
  const families = [...heads, ...small].map((head) => ({
    ...view,
    head,
    deltas: deltas.get(head) ?? [],
    height: heights.get(head) ?? 0,
  }));
  return { families, others: others.filter((position) => !deltas.has(position)) };
}

/** Returns the whole object that a delta stands on in the end, and how many deltas lead there. */
export function rootOf(index: PackIndex, position: number): { root: number; depth: number } {
  let root = position;
  let depth = 0;
  for (
    let base = index.baseAt(root);
    base >= 0 && depth <= index.count;
    base = index.baseAt(root)
  ) {
    root = base;
    depth += 1;
  }
  return { root, depth };
}

/**
 * Returns a number that trees with the same names share, and with high probability those with nearly the same: the least of
 * the hashes of their names.
 */
export function likeness(tree: Buffer): number {
  let least = 0xffff_ffff;
  for (let at = 0; at < tree.length; ) {
    const end = entryEnd(tree, at);
    let hash = 0x811c_9dc5;
    // Behind the mode, up to the zero before the id.
    for (let i = at + (tree[at] === 0x34 ? 6 : 7); i < end - 21; i++) {
      hash = Math.imul(hash ^ (tree[i] ?? 0), 0x0100_0193);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
    least = Math.min(least, (hash ^ (hash >>> 16)) >>> 0);
    at = end;
  }
  return least;
}
