// What travels about why jobs ran their datums; as `wire.ts`, which says what holds for all routes.
//
//  GET    /pipelines/{project}/{pipeline}/jobs/{id}/why?datum=&path=&limit= → Why
//         datum: the beginning of an id; path: those that wrote this path of the output. limit: of the datums shown, 20

import type { Datum, Image, Job, RepoName } from './wire.ts';

/**
 * `same`: skipped, its result is used again. Else it ran, or will: `new` (no datum of these paths before), `changed` (other content or
 * mode), `reprocess` (all were to be made anew), `every_job` (the spec says so), `failed_before`, `no_result` (it was there
 * before, and was never processed to its end).
 */
export type Cause =
  | 'same'
  | 'new'
  | 'changed'
  | 'reprocess'
  | 'every_job'
  | 'failed_before'
  | 'no_result';

/** A part of a datum's identity that differs from the job before. */
export interface Difference {
  /** `combination`: all of its files were there, and no datum together. */
  readonly part: 'path' | 'content' | 'mode' | 'combination' | 'salt';
  /** Null for what concerns the whole datum. */
  readonly input: { readonly name: string; readonly repo: RepoName; readonly path: string } | null;
  /** Git object ids or modes. */
  readonly was: string | null;
  readonly is: string | null;
  /** Of a directory with other content: the first files that differ; a last one of `…` stands for more. */
  readonly files: readonly string[];
}

export interface DatumWhy {
  readonly datum: Datum;
  readonly cause: Cause;
  readonly differences: readonly Difference[];
  /** The result there was before the job: that is used, or that failed. */
  readonly earlier: {
    readonly job: string;
    readonly state: 'success' | 'failed' | 'recovered';
    readonly reason: string;
    readonly version: number;
    readonly image: Image | null;
  } | null;
  /** Of a skipped datum, where single ones are asked about: why the job that made its result ran it. */
  readonly made: DatumWhy | null;
}

export interface Why {
  readonly job: Job;
  /** The job before, with which it is compared. */
  readonly against: Job | null;
  /** Of all datums; null where single ones are asked about. */
  readonly counts: Readonly<Partial<Record<Cause, number>>> | null;
  /** Those that ran come first. */
  readonly datums: readonly DatumWhy[];
}
