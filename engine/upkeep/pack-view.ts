// A pack with its index, as upkeep works on it: by positions, which are small numbers, rather than by ids.

import type { PackIndex } from '../object/pack-index.ts';
import type { PackRef } from '../object/pack-ref.ts';

/** A pack, live or just removed, whose index is in memory. */
export interface PackView {
  readonly pack: PackRef;
  readonly index: PackIndex;
}

/** Git's number of the kind tree in an index. */
export const TREE_CODE = 2;

/** Returns the positions of a pack's objects in the order in which they stand in it. */
export function byOffset(
  index: PackIndex,
  isWanted: (position: number) => boolean = () => true,
): Uint32Array {
  let count = 0;
  const positions = new Uint32Array(index.count);
  for (let position = 0; position < index.count; position++) {
    if (isWanted(position)) {
      positions[count++] = position;
    }
  }
  return positions.subarray(0, count).sort((a, b) => index.offsetAt(a) - index.offsetAt(b));
}

/** Returns how many bytes of a pack are whole trees. */
export function wholeTreeBytes(index: PackIndex): number {
  let bytes = 0;
  for (let position = 0; position < index.count; position++) {
    if (index.kindCodeAt(position) === TREE_CODE && index.baseAt(position) < 0) {
      bytes += index.storedAt(position);
    }
  }
  return bytes;
}
