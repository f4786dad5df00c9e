// Doing a failed job again: a new job, in a commit set of its own, on exactly what the failed one read. What has finished
// never changes: the failed commit stays where it is, with its error, below the new one.

import { EngineError } from '../base/errors.ts';
import {
  branchKey,
  type CommitRecord,
  isTerminal,
  type JobRecord,
  jobKey,
  metaRepo,
  type PipelineKey,
  type ProvenanceLink,
  SYSTEM_BRANCH,
  specRepo,
} from '../journal/records.ts';
import type { Change } from '../pfs/change.ts';
import { commitById } from '../pfs/commit-facts.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import { settledHead } from '../pfs/propagate.ts';
import { getJob, resolvePipeline } from './job-lookup.ts';

/**
 * Retries a job that failed or was killed, within a change, and with it all that is downstream. Datums that have a good result keep
 * it. Returns the job that is retried. `failed_precondition` where it has nothing to run again, or a later job has done so.
 */
export function retryJobIn(
  change: Change,
  options: { readonly pipeline: PipelineKey; readonly job: string },
): JobRecord {
  const { context, facts, state } = change;
  const { pipeline: key, job: id } = options;
  const pipeline = resolvePipeline(context, key);
  const job =
    state.jobs.get(jobKey(key, id)) ??
    facts.find(`job ${key} ${id}`, () => getJob(context, key, id));
  const refuse = (why: string): EngineError =>
    new EngineError('failed_precondition', `Cannot retry job ${shortRepo(key)}@${id}: ${why}`);
  if (!isTerminal(job.state)) {
    throw refuse(`it has not ended (${job.state}); wait for it, or use pfs stop job first`);
  }
  if (job.state === 'success') {
    throw refuse('it succeeded, and nothing of it failed; pfs why says what it did');
  }
  if (job.state === 'unrunnable') {
    throw refuse(`${job.reason}; retry the job that failed, and this pipeline follows`);
  }
  if (pipeline.stopped) {
    throw refuse('its pipeline is stopped; pfs start pipeline runs what is not done');
  }
  const output = commitById(change, key, id);
  const branch = { repo: key, branch: String(pipeline.spec.output_branch) };
  const head = state.branches.get(branchKey(branch.repo, branch.branch))?.head;
  if (head !== id) {
    throw refuse(
      `${head ? `job ${head}` : 'another'} came after it, and has run what failed and is still there; see pfs inspect job ${shortRepo(key)}`,
    );
  }
  const again = { provenance: withNewestSpec(change, output), job: id };
  change.repeat(branch, again);
  change.repeat({ repo: metaRepo(key), branch: SYSTEM_BRANCH }, again);
  return job;
}

/** Returns the newest job that retries `job`, or undefined. */
export function retryOf(context: PfsContext, job: JobRecord): JobRecord | undefined {
  const { jobs } = context.journal.state;
  return [...jobs.keysBy('pipeline', job.pipeline)]
    .flatMap((key) => jobs.get(key) ?? [])
    .filter(({ retries }) => retries === job.id)
    .sort((a, b) => (a.id < b.id ? 1 : -1))[0];
}

/** A retry runs the pipeline as it is now, and says so. */
function withNewestSpec(change: Change, output: CommitRecord): ProvenanceLink[] {
  return output.provenance.map((link) =>
    link.repo === specRepo(output.repo)
      ? { ...link, commit: settledHead(change.state, link) ?? link.commit }
      : link,
  );
}
