// Waits for commits and jobs, with their datums shown as they are done. Ends with an error where one failed.

import type { Commit, DatumCounts, Job, JobState } from '../engine/server/wire.ts';
import { CliError } from './cli-error.ts';
import { path } from './client.ts';
import { commitColumns } from './commit-view.ts';
import type { Context } from './context.ts';
import { startProgress } from './progress.ts';
import { showName } from './refs.ts';

const BAD: ReadonlySet<JobState> = new Set(['failure', 'killed', 'unrunnable']);

/** Waits until a job is done and returns it. Throws `job_failed` where it did not succeed. */
export async function waitJob(
  context: Context,
  name: { readonly project: string; readonly pipeline: string; readonly id: string },
): Promise<Job> {
  const job = await followJob(context, name);
  if (BAD.has(job.state)) {
    throw jobFailed(job);
  }
  return job;
}

/** Waits until a job is done, whatever comes of it. */
export async function followJob(
  context: Context,
  name: { readonly project: string; readonly pipeline: string; readonly id: string },
): Promise<Job> {
  const progress = await startProgress(context.output, {
    label: `${name.pipeline} ${name.id.slice(0, 8)}…`,
    total: 1,
  });
  let last: Job | undefined;
  try {
    const route = path`/pipelines/${name.project}/${name.pipeline}/jobs/${name.id}/wait`;
    for await (const job of context.client.lines<Job>(route)) {
      last = job;
      progress.setTotal(Math.max(job.datums.total, 1));
      progress.update(doneDatums(job.datums), `datums, ${job.state}`);
    }
  } finally {
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
export async function waitCommit(context: Context, route: string): Promise<void> {
  const before = await context.client.get<Commit>(route);
  if (before.state === 'open') {
    await followCommitJob(context, before);
  }
  const commit = await context.client.get<Commit>(
    `${route.slice(0, route.lastIndexOf('/'))}/${before.id}/wait`,
  );
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
  if (output.stderr.isTTY && !output.raw) {
    for await (const commit of client.items<Commit>(path`/commit-sets/${id}`, {
      all: options.all,
    })) {
      if (commit.state === 'open') {
        await followCommitJob(context, commit);
      }
    }
  }
  const failed: Commit[] = [];
  async function* finished(): AsyncIterable<Commit> {
    const route = path`/commit-sets/${id}/wait`;
    for await (const commit of client.lines<Commit>(route, { all: options.all })) {
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
export function doneDatums(datums: DatumCounts): number {
  return datums.processed + datums.skipped + datums.recovered + datums.failed;
}

async function followCommitJob(context: Context, commit: Commit): Promise<void> {
  if (commit.pipeline && commit.type === 'user') {
    const { project, name } = commit.pipeline;
    await followJob(context, { project, pipeline: name, id: commit.id });
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
