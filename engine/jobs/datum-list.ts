// The datums of a job as users see them: which there are, and what became of each. Nothing of this is stored: it follows
// from the job's inputs and the results.

import { EngineError } from '../base/errors.ts';
import { commitKey, type JobRecord } from '../journal/records.ts';
import type { DatumState } from '../journal/states.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import type { DatumResult, ResultInput } from './datum-result.ts';
import { allDatums, type JobInputs, loadJobInputs } from './job-inputs.ts';
import { JobResults } from './job-results.ts';

/** One datum of one job. */
export interface JobDatum {
  readonly datum: Datum;
  readonly state: DatumState;
  readonly inputs: readonly ResultInput[];
  /** The stored result, of this job or of the one it was taken over from. */
  readonly result: DatumResult | undefined;
}

/** Yields the datums of a job, in the order of its inputs. `isRunning` tells which are at work. */
export async function* listDatums(
  context: PfsContext,
  job: JobRecord,
  isRunning: (datum: string) => boolean = () => false,
): AsyncGenerator<JobDatum> {
  const inputs = await loadJobInputs(context, job);
  const results = new JobResults(context, job);
  for await (const datum of allDatums(context, inputs)) {
    const result = await results.find(datum.hash);
    const state = isRunning(datum.id) ? 'running' : stateOf(result, job);
    yield { datum, result, inputs: resultInputs(datum, inputs), state };
  }
}

function stateOf(result: DatumResult | undefined, job: JobRecord): DatumState {
  if (result?.job === job.id) {
    return result.state;
  }
  return result?.state === 'success' ? 'skipped' : 'waiting';
}

/** Returns the datum whose id starts with `prefix`; `not_found` when the job has none. */
export async function getDatum(
  context: PfsContext,
  job: JobRecord,
  prefix: string,
): Promise<JobDatum> {
  for await (const datum of listDatums(context, job)) {
    if (datum.datum.id.startsWith(prefix)) {
      return datum;
    }
  }
  throw new EngineError(
    'not_found',
    `Cannot find datum "${prefix}" in job ${job.id} of pipeline "${shortRepo(job.pipeline)}"; pfs list-datum shows its datums`,
  );
}

/** Returns what a datum reads, with the commits of this job. */
export function resultInputs(datum: Datum, inputs: JobInputs): ResultInput[] {
  return datum.inputs.map(({ name, project, repo, branch, path, size }) => ({
    name,
    project,
    repo,
    branch,
    path,
    size,
    commit: inputs.commits.get(commitKey(`${project}/${repo}`, branch))?.id ?? '',
  }));
}
