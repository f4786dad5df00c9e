// Waits for commits and jobs, with their datums shown as they are done. Ends with an error where one failed.

import { jobParams, refParams } from '../client/params.ts';
import type { Commit, DatumCounts, Job, JobState } from '../engine/server/wire.ts';
import { CliError, failure } from './cli-error.ts';
import { commitColumns } from './commit-view.ts';
import type { Context } from './context.ts';
import type { NamedJob } from './job-lookup.ts';
import { startProgress } from './progress.ts';
import { type CommitRef, showName } from './refs.ts';

const BAD: ReadonlySet<JobState> = new Set(['failure', 'killed', 'unrunnable']);
const ENDED: ReadonlySet<JobState> = new Set([...BAD, 'success']);

/** How long a job that cannot run, for want of Docker or its image, is waited for: what is wrong may be mended by then. */
const PATIENCE_MS = 15_000;

/** Waits until a job is done and returns it. Throws `job_failed` where it did not succeed. */
export async function waitJob(context: Context, name: NamedJob): Promise<Job> {
  const job = await followJob(context, name);
  if (BAD.has(job.state)) {
    throw jobFailed(job);
  }
  return job;
}

/**
 * Waits until a job is done, whatever comes of it. Says why where it cannot run, and throws `unavailable` where that
 * stays so for `patienceMs`.
 */
export async function followJob(
  context: Context,
  { pipeline, id }: NamedJob,
  { patienceMs = PATIENCE_MS }: { readonly patienceMs?: number } = {},
): Promise<Job> {
  const { output } = context;
  const progress = await startProgress(output, {
    label: `${pipeline.name} ${id.slice(0, 8)}…`,
    total: 1,
  });
  const patience = new AbortController();
  const signal = AbortSignal.any([context.signal, patience.signal]);
  const client = context.connect({ start: true, signal });
  let timer: NodeJS.Timeout | undefined;
  let obstacle = '';
  let last: Job | undefined;
  try {
    const params = jobParams(pipeline, id);
    for await (const job of client.lines('GET /pipelines/{project}/{pipeline}/jobs/{id}/wait', {
      params,
    })) {
      last = job;
      progress.setTotal(Math.max(job.datums.total, 1));
      const why = ENDED.has(job.state) ? '' : job.reason;
      progress.update(doneDatums(job.datums), `datums, ${job.state}${why && `: ${why}`}`);
      if (why !== obstacle && why !== '' && !output.stderr.isTTY) {
        output.note(`Job ${showName(pipeline)}@${id} cannot run yet: ${why}`);
      }
      if ((why === '') !== (obstacle === '')) {
        clearTimeout(timer);
        timer = why === '' ? undefined : setTimeout(() => patience.abort(), patienceMs);
      }
      obstacle = why;
    }
  } catch (error) {
    if (patience.signal.aborted && !context.signal.aborted) {
      throw failure(
        'unavailable',
        `Job ${showName(pipeline)}@${id} cannot run: ${obstacle}. It runs by itself once that is mended`,
        error,
      );
    }
    throw error;
  } finally {
    clearTimeout(timer);
    client.close();
    progress.stop();
  }
  if (!last) {
    throw new CliError(
      'unreachable',
      'The engine ended the wait without saying how the job is; try again',
    );
  }
  return last;
}

/** Waits until one commit is finished and prints it. Throws `job_failed` where it failed. */
export async function waitCommit(context: Context, { repo, ref }: CommitRef): Promise<void> {
  const before = await context.client.call('GET /repos/{project}/{repo}/commits/{ref}', {
    params: refParams(repo, ref),
  });
  if (before.state === 'open') {
    await followCommitJob(context, before);
  }
  const commit = await context.client.call('GET /repos/{project}/{repo}/commits/{ref}/wait', {
    params: refParams(repo, before.id),
  });
  await context.output.table([commit], commitColumns(context.output.times));
  if (commit.state === 'error') {
    throw commitFailed(commit);
  }
}

/** Waits until every commit of a set is finished and prints them. Throws `job_failed` where one failed. */
export async function waitCommitSet(
  context: Context,
  id: string,
  options: { readonly all: boolean },
): Promise<void> {
  const { client, output } = context;
  const asked = { params: { id }, query: { all: options.all } };
  for await (const commit of client.items('GET /commit-sets/{id}', asked)) {
    if (commit.state === 'open') {
      await followCommitJob(context, commit);
    }
  }
  const failed: Commit[] = [];
  async function* finished(): AsyncIterable<Commit> {
    for await (const commit of client.lines('GET /commit-sets/{id}/wait', asked)) {
      if (commit.state === 'error') {
        failed.push(commit);
      }
      yield commit;
    }
  }
  await output.table(finished(), commitColumns(output.times));
  const [first] = failed;
  if (first) {
    throw commitFailed(first);
  }
}

/** Returns how many datums need no more work. */
function doneDatums(datums: DatumCounts): number {
  return datums.processed + datums.skipped + datums.recovered + datums.failed;
}

async function followCommitJob(context: Context, commit: Commit): Promise<void> {
  if (commit.pipeline && commit.type === 'user') {
    await followJob(context, { pipeline: commit.pipeline, id: commit.id });
  }
}

function jobFailed(job: Job): CliError {
  const name = showName({ project: job.project, name: job.pipeline });
  const reason = job.reason ? `: ${job.reason}` : '';
  return new CliError(
    'job_failed',
    `Job ${name}@${job.id} ended as ${job.state}${reason}; see pfs inspect job ${name}@${job.id}`,
  );
}

function commitFailed(commit: Commit): CliError {
  const name = showName(commit.repo);
  const see = commit.pipeline ? 'job' : 'commit';
  return new CliError(
    'job_failed',
    `Commit ${name}@${commit.id} failed: ${commit.error ?? 'no reason given'}; see pfs inspect ${see} ${name}@${commit.id}`,
  );
}
