// The job that another starts from: what it left standing need not be looked at again.

import type { JobRecord } from '../journal/records.ts';
import { getCommit, lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { type JobInputs, loadJobInputs } from './job-inputs.ts';
import { findJob } from './job-lookup.ts';

export interface JobBase {
  readonly inputs: JobInputs;
  /** Its output. */
  readonly tree: string | null;
  /** How many datums it had. */
  readonly total: number;
}

/** Returns the job whose output `job` starts from, or undefined where all starts anew. */
export async function findBase(
  context: PfsContext,
  job: Pick<JobRecord, 'pipeline' | 'id'>,
  inputs: JobInputs,
): Promise<JobBase | undefined> {
  const output = await getCommit(context, job.pipeline, job.id);
  const parent = await lastGood(context, job.pipeline, output.parent);
  if (parent === undefined || inputs.spec.reprocess_spec === 'every_job') {
    return undefined;
  }
  const base = await findJob(context, job.pipeline, parent.id);
  if (base === undefined) {
    return undefined;
  }
  const before = await loadJobInputs(context, base);
  // Where every job makes its results anew, those that are stored may be younger than the output that stands.
  if (before.missing.length > 0 || before.spec.reprocess_spec === 'every_job') {
    return undefined;
  }
  return { inputs: before, tree: parent.tree, total: base.datums.total };
}
