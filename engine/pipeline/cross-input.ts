// Cross: every combination of one row of each member, the last member turning fastest. Holds no more than a bounded
// number of rows of each member but the first.

import type { Member, Row, RowSource } from './datum-rows.ts';
import { ReplayedRows } from './datum-rows.ts';

/** Returns the cartesian product of the members' rows; empty as soon as one member is. */
export function cross(members: readonly Member[]): RowSource {
  return {
    async *rows() {
      const factors = members.map(({ source }) => new ReplayedRows(source));
      // Asked last first, so that an empty member is found without going through the first.
      for (const factor of factors.slice(1).reverse()) {
        if (await factor.isEmpty()) {
          return;
        }
      }
      yield* product(factors, []);
    },
  };
}

async function* product(factors: readonly ReplayedRows[], prefix: Row): AsyncGenerator<Row> {
  const [factor, ...rest] = factors;
  if (factor === undefined) {
    return;
  }
  // Without a second iterator around them, held rows of the last factor cost no promise each.
  for await (const row of factor.held ?? factor.rows()) {
    const joined = prefix.length === 0 ? row : [...prefix, ...row];
    if (rest.length === 0) {
      yield joined;
    } else {
      yield* product(rest, joined);
    }
  }
}
