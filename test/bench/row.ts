// What a row of the bench is, and what it gives. Adding one is a file in rows/ and a line in rows.ts.

import type { Workspace } from './workspace.ts';

/** A piece of work that is measured, beside the command that it is compared with. */
export interface Row {
  readonly name: string;
  /** What is measured, for `--list`. */
  readonly about: string;
  /** What it needs beside Node: programs on the PATH, `s3` for a server of that protocol, `docker` for a Docker engine. */
  readonly needs: readonly string[];
  /** The disk space it fills at full size, in GiB. */
  readonly diskGiB: number;
  run(bench: Workspace): Promise<readonly Line[]>;
}

export type Unit = 's' | 'ms' | 'KiB' | 'MiB' | 'requests' | '/s' | '×';

/** What is to be reached: of the ratio to theirs, or of our own figure. */
export interface Goal {
  readonly of: 'ratio' | 'median' | 'max';
  readonly most?: number;
  readonly least?: number;
}

/** One line of the table. */
export interface Line {
  readonly work: string;
  readonly unit: Unit;
  readonly ours: readonly number[];
  readonly against?: { readonly what: string; readonly values: readonly number[] };
  readonly goal?: Goal;
}
