// The job that another starts from: what it left standing need not be looked at again.

import type { JobRecord } from '../journal/records.ts';
import { getCommit, lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import {
  allDatums,
  type DatumChange,
  datumChanges,
  type JobInputs,
  loadJobInputs,
} from './job-inputs.ts';
import { findJob } from './job-lookup.ts';
import { JobResults } from './job-results.ts';

export interface JobBase {
  readonly inputs: JobInputs;
  /** Its output. */
  readonly tree: string | null;
  /** How many datums it had. */
  readonly total: number;
  readonly job: JobRecord;
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
  return { inputs: before, tree: parent.tree, total: base.datums.total, job: base };
}

/** A datum that did not change, but was recovered in the base, which left no result: it is tried again. */
interface RetriedDatum {
  readonly kind: 'retried';
  readonly datum: Datum;
}

/** Yields how the datums of a job differ from those of its base, and those that are to be tried again. */
export async function* changesFrom(
  context: PfsContext,
  base: JobBase | undefined,
  inputs: JobInputs,
): AsyncGenerator<DatumChange | RetriedDatum> {
  const recovered = await recoveredHashes(context, base);
  for await (const change of datumChanges(context, { old: base?.inputs, now: inputs })) {
    yield change;
    if (change.kind === 'removed') {
      recovered.delete(change.datum.hash);
    }
  }
  if (recovered.size === 0) {
    return;
  }
  for await (const datum of allDatums(context, inputs)) {
    if (recovered.has(datum.hash)) {
      yield { kind: 'retried', datum };
    }
  }
}

/** Each job tries again what was recovered in the one before, so that its own results name all that still is. */
async function recoveredHashes(
  context: PfsContext,
  base: JobBase | undefined,
): Promise<Set<string>> {
  const hashes = new Set<string>();
  if (base === undefined || base.job.datums.recovered === 0) {
    return hashes;
  }
  for await (const result of new JobResults(context, base.job).own()) {
    if (result.state === 'recovered') {
      hashes.add(result.hash);
    }
  }
  return hashes;
}
