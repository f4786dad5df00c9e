// From inputs to datums: each input's matches, combined as the spec says, one datum after the other. Never holds all of
// them, and never asks where matches come from.

import { EngineError } from '../base/errors.ts';
import { cross } from './cross-input.ts';
import type { Datum } from './datum-identity.ts';
import { makeDatum } from './datum-identity.ts';
import type { Combinator, RowSource } from './datum-rows.ts';
import type { InputKind, PfsInput, PipelineInput } from './spec.ts';
import { inputMembers } from './spec.ts';
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
const COMBINATORS: Readonly<Partial<Record<InputKind, Combinator>>> = { cross, union };

/**
 * Yields the datums of an input. Their identity does not depend on the order of members. Where members of a union
 * overlap under one name, the same datum (same id) comes more than once. Throws `invalid` for a kind of input that
 * cannot be combined yet.
 */
export async function* datums(input: PipelineInput, options: DatumOptions): AsyncGenerator<Datum> {
  for await (const row of rowSource(input, options.matches).rows()) {
    yield makeDatum(row, options.salt);
  }
}

function rowSource(input: PipelineInput, matches: MatchSource): RowSource {
  if ('pfs' in input) {
    return leaf(input.pfs, matches);
  }
  const kind = Object.keys(input)[0] as InputKind;
  const combine = COMBINATORS[kind];
  if (combine === undefined) {
    throw new EngineError(
      'invalid',
      `Cannot make datums of the input "${kind}": this kind is not yet supported; use pfs, cross or union`,
    );
  }
  return combine(
    inputMembers(input).map((member) => ({ input: member, source: rowSource(member, matches) })),
  );
}

function leaf(input: PfsInput, matches: MatchSource): RowSource {
  const { name, project, repo, branch, empty_files: emptyFiles, reference } = input;
  return {
    async *rows() {
      for await (const { path, id, mode, size, captures } of matches(input)) {
        yield [
          { name, project, repo, branch, path, id, mode, size, captures, emptyFiles, reference },
        ];
      }
    },
  };
}
