// The results a job stands on: those it made, and those of earlier jobs that it took over.

import { type JobRecord, metaRepo } from '../journal/records.ts';
import { findCommit, lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { DatumResult } from './datum-result.ts';
import { findResult, iterateResults } from './results.ts';
import { committedContents } from './session-writer.ts';

/** Looks up datum results as one job sees them. */
export class JobResults {
  readonly #context: PfsContext;
  readonly #job: JobRecord;
  #meta: string | null | undefined;

  constructor(context: PfsContext, job: JobRecord) {
    this.#context = context;
    this.#job = job;
  }

  /** Finds the result under a datum hash: the job's own, else one that was there when it ran. */
  async find(hash: string): Promise<DatumResult | undefined> {
    const contents = committedContents(this.#context);
    const { results } = this.#job;
    const own = await findResult(contents, { tree: results, hash });
    return own ?? (await findResult(contents, { tree: await this.#metaTree(), hash }));
  }

  /** Yields the results that the job made itself and has journaled. */
  own(): AsyncIterable<DatumResult> {
    const { results } = this.#job;
    return iterateResults(committedContents(this.#context), { tree: results });
  }

  async #metaTree(): Promise<string | null> {
    if (this.#meta === undefined) {
      const repo = metaRepo(this.#job.pipeline);
      const commit = await findCommit(this.#context, repo, this.#job.id);
      const finished = commit && commit.finished === null ? commit.parent : (commit?.id ?? null);
      this.#meta = (await lastGood(this.#context, repo, finished))?.tree ?? null;
    }
    return this.#meta;
  }
}
