// Group: one row for each key, with all files of all members that have it. Combinations within are taken apart: each of
// their files goes to the group of its own key, once.

import type { DatumInput } from './datum-identity.ts';
import type { Member, RowSource } from './datum-rows.ts';
import { gatherByKey, type KeyedSource } from './keyed-rows.ts';

/** Returns one row for each key. A file that several rows hold stands once in its group. */
export function group(members: readonly Member[]): RowSource {
  return {
    async *rows() {
      for await (const lists of gatherByKey(members.map(byGroupKey))) {
        const files = lists.flat();
        yield [...new Map(files.map((file) => [JSON.stringify(file), file])).values()];
      }
    },
  };
}

function byGroupKey({ source }: Member): KeyedSource<DatumInput> {
  return {
    async *items() {
      for await (const row of source.rows()) {
        for (const file of row) {
          yield [file.groupBy ?? '', file];
        }
      }
    },
  };
}
