// Join: combinations of one row of each member whose files all have the same key. Rows that find no partner are left out,
// but for those whose files ask to stay (outer_join).

import type { Member, Row, RowSource } from './datum-rows.ts';
import { combine, gatherByKey, type KeyedSource } from './keyed-rows.ts';

/**
 * Returns the joined rows. For a key that only some members have, those of its rows that stay without a partner are
 * combined with each other. A row of a combination within, whose files do not share one key, has no partner.
 */
export function join(members: readonly Member[]): RowSource {
  return {
    async *rows() {
      for await (const lists of gatherByKey(members.map(byJoinKey))) {
        if (lists.every(([first]) => first !== undefined && keysOf(first).size === 1)) {
          yield* combine(lists);
        } else {
          const staying = lists.map((list) => list.filter(stays)).filter((list) => list.length > 0);
          yield* combine(staying);
        }
      }
    },
  };
}

function byJoinKey({ source }: Member, member: number): KeyedSource<Row> {
  return {
    async *items() {
      let strays = 0;
      for await (const row of source.rows()) {
        const keys = keysOf(row);
        const [key] = keys;
        if (keys.size === 1) {
          yield [`=${key}`, row];
        } else {
          strays += 1;
          yield [`!${member} ${strays}`, row];
        }
      }
    },
  };
}

function keysOf(row: Row): Set<string> {
  return new Set(row.map((file) => file.joinOn ?? ''));
}

function stays(row: Row): boolean {
  return row.every((file) => file.outerJoin === true);
}
