// From inputs to datums: each input's matches, combined as the spec says, one datum after the other. Never holds all of
// them, and never asks where matches come from.

import { EngineError } from '../base/errors.ts';
import {
  type ChangeCombinator,
  type ChangingMember,
  type ChangingRows,
  changedByKey,
  changedCross,
  changedUnion,
} from './changed-rows.ts';
import { cross } from './cross-input.ts';
import type { Datum, DatumInput } from './datum-identity.ts';
import { makeDatum } from './datum-identity.ts';
import type { Combinator, RowSource } from './datum-rows.ts';
import { group } from './group-input.ts';
import { inputMembers, leafOf } from './input-tree.ts';
import { join } from './join-input.ts';
import { expandKey, type KeyTemplate, parseKeyTemplate } from './key-template.ts';
import type { InputKind, PfsInput, PipelineInput } from './spec.ts';
import { union } from './union-input.ts';

/** A file or directory that the glob of an input matched. */
export interface Match {
  /** With a leading slash; `/` is the whole repo. */
  readonly path: string;
  /** Git object of the content, 40 hex digits. */
  readonly id: string;
  /** Git mode: `100644`, `100755` or `40000`. */
  readonly mode: string;
  /** Bytes of content, everything below included. */
  readonly size: number;
  /** What the groups of the glob captured, in order. */
  readonly captures: readonly string[];
}

/**
 * Finds what an input matches. May be asked several times about one input, and must then give the same matches in the
 * same order.
 */
export type MatchSource = (input: PfsInput) => Iterable<Match> | AsyncIterable<Match>;

export interface DatumOptions {
  readonly matches: MatchSource;
  /** The pipeline's salt, mixed into every hash. */
  readonly salt: string;
}

/** How members are combined, by the kind of input. A new kind is one file and one line here. */
const COMBINATORS: Readonly<Partial<Record<InputKind, Combinator>>> = { cross, union, join, group };

/** How changes of members are combined, where that is possible; a join or group must have plain inputs for members. */
const CHANGE_COMBINATORS: Readonly<Partial<Record<InputKind, ChangeCombinator>>> = {
  cross: changedCross,
  union: changedUnion,
  join: changedByKey(join, (file) => file.joinOn),
  group: changedByKey(group, (file) => file.groupBy),
};

/** What an input matched and matches, and how these differ: a changed match is in both lists. */
export interface ChangedMatches {
  readonly old: MatchSource;
  readonly now: MatchSource;
  /** Rejects with {@link TooManyChanges}. */
  changes(
    input: PfsInput,
  ): Promise<{ readonly removed: readonly Match[]; readonly added: readonly Match[] }>;
}

/** The combinations around an input that give its files keys. */
interface Around {
  readonly join: boolean;
  readonly group: boolean;
}

/**
 * Yields the datums of an input. Their identity does not depend on the order of members. Where members of a union
 * overlap under one name, the same datum (same id) comes more than once. Inputs, unions and crosses stream; a join or a
 * group holds a bounded number of files and goes through its members again where they have more. Throws `invalid` for a
 * kind of input that cannot be combined yet.
 */
export async function* datums(input: PipelineInput, options: DatumOptions): AsyncGenerator<Datum> {
  const source = rowSource(input, options.matches, { join: false, group: false });
  for await (const row of source.rows()) {
    yield makeDatum(row, options.salt);
  }
}

/** Returns whether {@link changedDatums} can tell the changes of an input. */
export function canTellChanges(input: PipelineInput): boolean {
  if (leafOf(input) !== undefined) {
    return true;
  }
  const kind = Object.keys(input)[0] as InputKind;
  const members = inputMembers(input);
  return (
    CHANGE_COMBINATORS[kind] !== undefined &&
    members.every(
      kind === 'join' || kind === 'group' ? (one) => leafOf(one) !== undefined : canTellChanges,
    )
  );
}

/**
 * Yields how the datums of an input, for which {@link canTellChanges}, differ between two states of what it reads. Costs
 * what changed, and for joins and groups one look at every file. Members of unions must not overlap under one name.
 * Rejects with {@link TooManyChanges} before it has yielded anything where comparing all datums is the better way.
 */
export async function* changedDatums(
  input: PipelineInput,
  options: { readonly matches: ChangedMatches; readonly salt: string },
): AsyncGenerator<{ readonly kind: 'removed' | 'added'; readonly datum: Datum }> {
  const { matches, salt } = options;
  const changing = await changingRows(input, matches, { join: false, group: false });
  for (const kind of ['removed', 'added'] as const) {
    for await (const row of changing[kind].rows()) {
      yield { kind, datum: makeDatum(row, salt) };
    }
  }
}

async function changingRows(
  input: PipelineInput,
  matches: ChangedMatches,
  around: Around,
): Promise<ChangingRows> {
  const read = leafOf(input);
  if (read !== undefined) {
    const { removed, added } = await matches.changes(read);
    const gone = new Set(added.map(({ path }) => path));
    return {
      old: leaf(read, matches.old, around),
      now: leaf(read, matches.now, around),
      removed: leaf(read, () => removed, around),
      added: leaf(read, () => added, around),
      kept: leaf(read, (one) => without(matches.now(one), gone), around),
    };
  }
  const kind = Object.keys(input)[0] as InputKind;
  const combine = CHANGE_COMBINATORS[kind];
  if (combine === undefined) {
    throw new EngineError('internal', `Cannot tell the changes of the input "${kind}"`);
  }
  const within = aroundOf(kind, around);
  const members: ChangingMember[] = [];
  for (const member of inputMembers(input)) {
    members.push({ input: member, rows: await changingRows(member, matches, within) });
  }
  return await combine(members);
}

async function* without(
  matches: Iterable<Match> | AsyncIterable<Match>,
  paths: ReadonlySet<string>,
): AsyncGenerator<Match> {
  for await (const match of matches) {
    if (!paths.has(match.path)) {
      yield match;
    }
  }
}

function aroundOf(kind: InputKind, around: Around): Around {
  return { join: around.join || kind === 'join', group: around.group || kind === 'group' };
}

function rowSource(input: PipelineInput, matches: MatchSource, around: Around): RowSource {
  const read = leafOf(input);
  if (read !== undefined) {
    return leaf(read, matches, around);
  }
  const kind = Object.keys(input)[0] as InputKind;
  const combine = COMBINATORS[kind];
  if (combine === undefined) {
    throw new EngineError(
      'invalid',
      `Cannot make datums of the input "${kind}": this kind is not yet supported; use pfs, cron, cross, union, join or group`,
    );
  }
  const within = aroundOf(kind, around);
  return combine(
    inputMembers(input).map((member) => ({
      input: member,
      source: rowSource(member, matches, within),
    })),
  );
}

function leaf(input: PfsInput, matches: MatchSource, around: Around): RowSource {
  const { name, project, repo, branch, empty_files: emptyFiles, reference } = input;
  const seen = { ...(input.lazy ? { lazy: true } : {}), ...(input.s3 ? { s3: true } : {}) };
  const fixed = { name, project, repo, branch, emptyFiles, reference, ...seen };
  const joinOn = around.join ? keyTemplate(input.join_on) : undefined;
  const groupBy = around.group ? keyTemplate(input.group_by) : undefined;
  return {
    async *rows() {
      for await (const { path, id, mode, size, captures } of matches(input)) {
        const file: DatumInput = {
          ...fixed,
          path,
          id,
          mode,
          size,
          captures,
          ...(joinOn && { joinOn: expandKey(joinOn, captures), outerJoin: input.outer_join }),
          ...(groupBy && { groupBy: expandKey(groupBy, captures) }),
        };
        yield [file];
      }
    },
  };
}

/** Reads a key of a valid spec, in which no capture is missing. */
function keyTemplate(text: string): KeyTemplate {
  const template = parseKeyTemplate(text, { captures: Number.MAX_SAFE_INTEGER });
  if (typeof template === 'string') {
    throw new EngineError('invalid', `Cannot read the key "${text}" of an input: ${template}`);
  }
  return template;
}
