// Rows: the files that an input, or a combination of inputs, puts into one datum. The currency between combinators.

import type { DatumInput } from './datum-identity.ts';
import type { PipelineInput } from './spec.ts';

/** The files of one datum, or of a part of one, in any order. */
export type Row = readonly DatumInput[];

/** Rows that can be gone through more than once, always the same ones in the same order. */
export interface RowSource {
  rows(): AsyncIterable<Row>;
}

/** A member of a combination: its spec and its rows. */
export interface Member {
  readonly input: PipelineInput;
  readonly source: RowSource;
}

/** Makes the rows of a combination from its members. */
export type Combinator = (members: readonly Member[]) => RowSource;

const MAX_HELD_ROWS = 10_000;

/**
 * Rows that are gone through many times: a small number is held in memory after the first time, a larger one is asked
 * for anew each time, so that memory does not grow with it.
 */
export class ReplayedRows implements RowSource {
  readonly #source: RowSource;
  readonly #maxHeld: number;
  #held: readonly Row[] | undefined;

  constructor(source: RowSource, options: { maxHeld?: number } = {}) {
    this.#source = source;
    this.#maxHeld = options.maxHeld ?? MAX_HELD_ROWS;
  }

  /** Returns whether there is no row at all. Reads up to as many rows as are held. */
  async isEmpty(): Promise<boolean> {
    if (this.#held === undefined) {
      const rows: Row[] = [];
      for await (const row of this.#source.rows()) {
        rows.push(row);
        if (rows.length > this.#maxHeld) {
          return false;
        }
      }
      this.#held = rows;
    }
    return this.#held.length === 0;
  }

  /** Returns the rows themselves where they are held; known only after {@link ReplayedRows.isEmpty}. */
  get held(): readonly Row[] | undefined {
    return this.#held;
  }

  rows(): AsyncIterable<Row> {
    return this.#source.rows();
  }
}
