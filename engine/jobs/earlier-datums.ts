// What a job is compared with to say why its datums ran: the datums of the job before it, and what had been processed by then.

import { type JobRecord, metaRepo } from '../journal/records.ts';
import { findCommit, getCommit, lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { IdSet } from '../pfs/id-set.ts';
import { type Datum, makeDatum } from '../pipeline/datum-identity.ts';
import type { DatumResult } from './datum-result.ts';
import { allDatums, type JobInputs, loadJobInputs } from './job-inputs.ts';
import { findJob } from './job-lookup.ts';
import { findResult } from './results.ts';
import { committedContents } from './session-writer.ts';

/** How far back a job is looked for whose inputs are still there. */
const MAX_STEPS = 100;
/** As much of a datum's id or hash as a set holds: no two of any number of datums share that. */
const SET_DIGITS = 40;

/** Whether the job before had a datum of the same paths, with the same files but for the salt. */
export type Likeness = 'absent' | 'equal' | 'other';

/** The job before another one, whatever became of it. */
export interface EarlierJob {
  readonly job: JobRecord;
  readonly inputs: JobInputs;
}

/** Returns the job whose commit stands before that of `job`, the nearest whose inputs can still be told. */
export async function findEarlierJob(
  context: PfsContext,
  job: Pick<JobRecord, 'pipeline' | 'id'>,
): Promise<EarlierJob | undefined> {
  let { parent } = await getCommit(context, job.pipeline, job.id);
  for (let step = 0; parent !== null && step < MAX_STEPS; step++) {
    const commit = await getCommit(context, job.pipeline, parent);
    const earlier = await findJob(context, job.pipeline, parent);
    const inputs = earlier && (await loadJobInputs(context, earlier));
    if (earlier && inputs?.missing.length === 0) {
      return { job: earlier, inputs };
    }
    parent = commit.parent;
  }
  return undefined;
}

/** Looks up datums of the job before, and results that were there before a job. */
export class EarlierDatums {
  readonly #context: PfsContext;
  readonly #earlier: EarlierJob | undefined;
  readonly #job: JobRecord;
  #ids: IdSet | undefined;
  readonly #hashes = new IdSet();
  #tree: string | null | undefined;

  constructor(
    context: PfsContext,
    options: { readonly job: JobRecord; readonly earlier: EarlierJob | undefined },
  ) {
    this.#context = context;
    this.#job = options.job;
    this.#earlier = options.earlier;
  }

  /** Finds datums of the job before by their ids; reads all of its datums at most. */
  async find(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, Datum>> {
    const found = new Map<string, Datum>();
    if (this.#earlier === undefined || ids.size === 0) {
      return found;
    }
    for await (const datum of allDatums(this.#context, this.#earlier.inputs)) {
      if (ids.has(datum.id)) {
        found.set(datum.id, datum);
        if (found.size === ids.size) {
          break;
        }
      }
    }
    return found;
  }

  /** Returns how a datum was in the job before. Reads all of that job's datums the first time: 40 bytes stay of each. */
  async look(datum: Datum): Promise<Likeness> {
    const { inputs } = this.#earlier ?? {};
    if (inputs === undefined) {
      return 'absent';
    }
    if (this.#ids === undefined) {
      this.#ids = new IdSet();
      for await (const one of allDatums(this.#context, inputs)) {
        this.#ids.addHex(one.id.slice(0, SET_DIGITS));
        this.#hashes.addHex(one.hash.slice(0, SET_DIGITS));
      }
    }
    if (!this.#ids.hasHex(datum.id.slice(0, SET_DIGITS))) {
      return 'absent';
    }
    const { hash } = makeDatum(datum.inputs, inputs.salt);
    return this.#hashes.hasHex(hash.slice(0, SET_DIGITS)) ? 'equal' : 'other';
  }

  /** As {@link EarlierDatums.look}, for a datum of which it is known what it was. */
  compare(datum: Datum, old: Datum | undefined): Likeness {
    if (old === undefined || this.#earlier === undefined) {
      return 'absent';
    }
    const { hash } = makeDatum(datum.inputs, this.#earlier.inputs.salt);
    return hash === old.hash ? 'equal' : 'other';
  }

  /** Finds the result that a datum hash had before the job began. */
  async result(hash: string): Promise<DatumResult | undefined> {
    if (this.#tree === undefined) {
      const meta = await findCommit(this.#context, metaRepo(this.#job.pipeline), this.#job.id);
      const good = meta && (await lastGood(this.#context, meta.repo, meta.parent));
      this.#tree = good?.tree ?? null;
    }
    return await findResult(committedContents(this.#context), { tree: this.#tree, hash });
  }
}
