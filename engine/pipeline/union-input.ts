// Union: the rows of all members, one member after the other.

import type { Member, RowSource } from './datum-rows.ts';

/** Returns the rows of the first member, then those of the second, and so on. Equal rows are not merged. */
export function union(members: readonly Member[]): RowSource {
  return {
    async *rows() {
      for (const { source } of members) {
        yield* source.rows();
      }
    },
  };
}
