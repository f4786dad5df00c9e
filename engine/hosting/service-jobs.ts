// The jobs of a service. One goes on for as long as its inputs are served; its output is empty, and finished from the moment
// when they are.

import { EngineError } from '../base/errors.ts';
import { endJobIn, serveJobIn } from '../jobs/job-end.ts';
import { allDatums, type JobInputs, loadJobInputs } from '../jobs/job-inputs.ts';
import { findJob } from '../jobs/job-lookup.ts';
import { sourceViews } from '../jobs/job-sources.ts';
import { makerProblem } from '../jobs/pipeline-maker.ts';
import {
  branchKey,
  commitKey,
  type ImageRecord,
  type JobRecord,
  jobKey,
  type PipelineRecord,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { makeChange } from '../pfs/change.ts';
import { lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { Datum } from '../pipeline/datum-identity.ts';

/** How many commits are looked through for one that can be served: a service that was fed rubbish for longer waits. */
const MAX_STEPS = 100;

/** An unfinished job of a service. */
export interface ServiceJob {
  readonly job: JobRecord;
  /** Its inputs have been served. */
  readonly isServed: boolean;
  /** All that it reads is there. */
  readonly isReady: boolean;
  /** What it reads and failed, as users write it. */
  readonly failed: readonly string[];
}

/** Returns the unfinished jobs of a service, the oldest first. */
export function serviceJobs(state: State, pipeline: string): ServiceJob[] {
  const found: (ServiceJob & { readonly depth: number })[] = [];
  for (const key of state.jobs.keysBy('pipeline', pipeline)) {
    const job = state.jobs.get(key);
    if (job && job.finished === null) {
      const output = state.commits.get(commitKey(pipeline, job.id));
      const sources = sourceViews(state, output);
      found.push({
        job,
        // A finished commit may have gone to history.
        isServed: output === undefined || output.finished !== null,
        isReady: sources.every((source) => source.state === 'good'),
        failed: sources.filter((source) => source.state === 'failed').map(({ name }) => name),
        depth: output?.depth ?? -1,
      });
    }
  }
  return found.sort((a, b) => a.depth - b.depth || (a.job.id < b.job.id ? -1 : 1));
}

/** Claims a job for an engine; rejects with `conflict` where it has ended or another engine was faster. */
export async function claimJob(context: PfsContext, job: JobRecord, owner: string): Promise<void> {
  const { pipeline, id } = job;
  await context.journal.transact(
    (state) => {
      const now = state.jobs.get(jobKey(pipeline, id));
      if (now === undefined || (now.owner !== job.owner && now.owner !== owner)) {
        throw new EngineError(
          'conflict',
          'Cannot claim the job: it ended, or another engine has it',
        );
      }
      const time = context.clock.now();
      return {
        operations:
          now.owner === owner
            ? []
            : [{ kind: 'job.claimed' as const, pipeline, job: id, owner, time }],
        result: null,
      };
    },
    { actor: 'engine' },
  );
}

/** What a job gives to serve: its one datum, or why there is none, and whether that is a mistake. */
export type Served =
  | { readonly inputs: JobInputs; readonly datum: Datum }
  | { readonly reason: string; readonly isWrong: boolean };

/** Looks for the one datum of a job. */
export async function servedDatum(context: PfsContext, job: JobRecord): Promise<Served> {
  const { state } = context.journal;
  const pipeline = state.pipelines.get(job.pipeline);
  const problem = pipeline && makerProblem(state, pipeline);
  if (problem !== undefined) {
    return { reason: problem, isWrong: true };
  }
  const inputs = await loadJobInputs(context, job);
  if (inputs.missing.length > 0) {
    const reason = `what it reads was deleted: ${inputs.missing.join(', ')}`;
    return { reason, isWrong: true };
  }
  let first: Datum | undefined;
  for await (const datum of allDatums(context, inputs)) {
    if (first) {
      const reason =
        'a service serves exactly one datum, and its input has several; use the glob "/" to serve all files together';
      return { reason, isWrong: true };
    }
    first = datum;
  }
  return first
    ? { inputs, datum: first }
    : { reason: 'there is nothing to serve: its input has no datum', isWrong: false };
}

/**
 * Returns the job whose inputs were served last: the one that goes on, or else that of the newest good commit which can be
 * served. Undefined where there is none.
 */
export async function lastServed(
  context: PfsContext,
  pipeline: PipelineRecord,
): Promise<{ readonly job: JobRecord; readonly served: Served } | undefined> {
  const { key, spec } = pipeline;
  const { state } = context.journal;
  const going = serviceJobs(state, key).findLast(({ isServed }) => isServed);
  let at = state.branches.get(branchKey(key, String(spec.output_branch)))?.head ?? null;
  if (going) {
    at = going.job.id;
  }
  for (let steps = 0; at !== null && steps < MAX_STEPS; steps += 1) {
    const commit = await lastGood(context, key, at);
    const job = commit && (await findJob(context, key, commit.id));
    if (job) {
      const served = await servedDatum(context, job);
      if ('datum' in served && served.inputs.spec.service) {
        return { job, served };
      }
    }
    at = commit?.parent ?? null;
  }
  return undefined;
}

/**
 * Journals that a job's inputs are served from now on: its commits are finished, and the jobs before it end; nothing where
 * it has ended meanwhile.
 */
export async function takeOver(
  context: PfsContext,
  serving: {
    readonly job: JobRecord;
    readonly owner: string;
    readonly image: ImageRecord;
    /** Why jobs could not be served that were tried, by id. */
    readonly failures: ReadonlyMap<string, string>;
  },
): Promise<void> {
  const { job, failures } = serving;
  const { pipeline, id } = job;
  await makeChange(context, { actor: 'engine' }, (change) => {
    if (!serveJobIn(change, serving)) {
      return;
    }
    const before = serviceJobs(change.state, pipeline);
    for (const other of before) {
      if (other.job.id === id) {
        break;
      }
      const failure = failures.get(other.job.id);
      const reason = other.isServed
        ? `served until commit ${id} took over`
        : (failure ?? `never served: commit ${id} came before it was ready`);
      const isWrong = !other.isServed && failure !== undefined;
      const end = { state: isWrong ? ('failure' as const) : ('success' as const), reason };
      endJobIn(change, { pipeline, job: other.job.id, end });
    }
  });
}
