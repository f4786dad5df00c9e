// How the rows of an input differ between two states of what it reads, found from what changed in each file set alone:
// no row that stayed as it was is combined with another one that did.

import { cross } from './cross-input.ts';
import type { DatumInput } from './datum-identity.ts';
import type { Member, Row, RowSource } from './datum-rows.ts';
import { union } from './union-input.ts';

/** The rows of one input: as they were and are, and what became of them. A changed row is removed and added. */
export interface ChangingRows {
  readonly old: RowSource;
  readonly now: RowSource;
  readonly removed: RowSource;
  readonly added: RowSource;
  readonly kept: RowSource;
}

/** A member of a combination, with its changes. */
export interface ChangingMember {
  readonly input: Member['input'];
  readonly rows: ChangingRows;
}

/** Makes the changes of a combination from those of its members; rejects with {@link TooManyChanges}. */
export type ChangeCombinator = (members: readonly ChangingMember[]) => Promise<ChangingRows>;

/** So much changed that comparing all rows costs no more. */
export class TooManyChanges extends Error {
  constructor() {
    super('Cannot work out what changed from the changes alone: there are too many');
  }
}

/** The most keys of a join or group that are looked at one by one, and the most rows they may have. */
const MAX_KEYS = 10_000;
const MAX_ROWS = 100_000;

/** Changes of a union: those of its members. */
export async function changedUnion(members: readonly ChangingMember[]): Promise<ChangingRows> {
  const of = (part: keyof ChangingRows) => union(membersOf(members, part));
  return {
    old: of('old'),
    now: of('now'),
    removed: of('removed'),
    added: of('added'),
    kept: of('kept'),
  };
}

/**
 * Changes of a cross: what is new of one member meets all of the members after it, and what stayed of those before it,
 * so that no combination comes twice.
 */
export async function changedCross(members: readonly ChangingMember[]): Promise<ChangingRows> {
  const changes = (part: 'removed' | 'added', all: 'old' | 'now'): RowSource => ({
    async *rows() {
      for (const [place, member] of members.entries()) {
        if (await isEmpty(member.rows[part])) {
          continue;
        }
        const parts = members.map((_, i): keyof ChangingRows =>
          i < place ? 'kept' : i === place ? part : all,
        );
        const factors = members.map(({ input, rows }, i) => ({
          input,
          source: rows[parts[i] ?? all],
        }));
        yield* cross(factors).rows();
      }
    },
  });
  return {
    old: cross(membersOf(members, 'old')),
    now: cross(membersOf(members, 'now')),
    removed: changes('removed', 'old'),
    added: changes('added', 'now'),
    kept: cross(membersOf(members, 'kept')),
  };
}

/**
 * Changes of a join or a group of plain inputs, by the function that combines them: of the keys of changed files alone, for
 * which it is done twice, as it was and as it is.
 */
export function changedByKey(
  combine: (members: readonly Member[]) => RowSource,
  keyOf: (file: DatumInput) => string | undefined,
): ChangeCombinator {
  return async (members) => {
    const keys = await changedKeys(members, keyOf);
    const isChanged = (row: Row) => row.some((file) => keys.has(keyOf(file)));
    const within = (part: 'old' | 'now') =>
      combine(
        membersOf(members, part).map(({ input, source }) => ({
          input,
          source: filtered(source, isChanged),
        })),
      );
    const old = await held(keys.size === 0 ? nothing : within('old'));
    const now = await held(keys.size === 0 ? nothing : within('now'));
    const added = [...now].flatMap(([key, row]) => (old.has(key) ? [] : [row]));
    const removed = [...old].flatMap(([key, row]) => (now.has(key) ? [] : [row]));
    const all = combine(membersOf(members, 'now'));
    const isAdded = new Set(added.map(rowKey));
    return {
      old: combine(membersOf(members, 'old')),
      now: all,
      removed: sourceOf(removed),
      added: sourceOf(added),
      kept: filtered(all, (row) => !isAdded.has(rowKey(row))),
    };
  };
}

/** Returns rows that are at hand as a source. */
export function sourceOf(rows: readonly Row[]): RowSource {
  return {
    async *rows() {
      yield* rows;
    },
  };
}

const nothing = sourceOf([]);

function filtered(source: RowSource, accepts: (row: Row) => boolean): RowSource {
  return {
    async *rows() {
      for await (const row of source.rows()) {
        if (accepts(row)) {
          yield row;
        }
      }
    },
  };
}

function membersOf(members: readonly ChangingMember[], part: keyof ChangingRows): Member[] {
  return members.map(({ input, rows }) => ({ input, source: rows[part] }));
}

async function changedKeys(
  members: readonly ChangingMember[],
  keyOf: (file: DatumInput) => string | undefined,
): Promise<Set<string | undefined>> {
  const keys = new Set<string | undefined>();
  for (const { rows } of members) {
    for (const source of [rows.removed, rows.added]) {
      for await (const row of source.rows()) {
        for (const file of row) {
          keys.add(keyOf(file));
        }
        if (keys.size > MAX_KEYS) {
          throw new TooManyChanges();
        }
      }
    }
  }
  return keys;
}

async function held(source: RowSource): Promise<Map<string, Row>> {
  const rows = new Map<string, Row>();
  for await (const row of source.rows()) {
    rows.set(rowKey(row), row);
    if (rows.size > MAX_ROWS) {
      throw new TooManyChanges();
    }
  }
  return rows;
}

/** The same for the same files with the same contents, in whatever order. */
function rowKey(row: Row): string {
  const files = row.map(({ name, project, repo, branch, path, id, mode }) =>
    [name, project, repo, branch, path, id, mode].join('\0'),
  );
  return files.sort().join('\n');
}

async function isEmpty(source: RowSource): Promise<boolean> {
  for await (const _ of source.rows()) {
    return false;
  }
  return true;
}
