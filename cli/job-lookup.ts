// Which job is meant: users name one by its id, by a branch or ancestor of the output repo, or by its pipeline alone.

import { refParams } from '../client/params.ts';
import type { RepoName } from '../engine/server/wire.ts';
import { CliError, usageError } from './cli-error.ts';
import type { Context } from './context.ts';
import { isCommitId, parseCommitWords, parsePipelineName, showName } from './refs.ts';

export interface NamedJob {
  readonly pipeline: RepoName;
  readonly id: string;
}

/**
 * Returns the job that `words` name: `pipeline@job` or `pipeline job`, where a branch such as `master^` stands for the job that
 * made that commit; the id alone, where it is of one pipeline; or, with `newest`, the pipeline alone.
 */
export async function findJob(
  context: Context,
  words: readonly string[],
  options: { readonly newest?: boolean } = {},
): Promise<NamedJob> {
  const [first = '', second] = words;
  if (second === undefined && isCommitId(first)) {
    return onlyJobOf(context, first);
  }
  if (second === undefined && !first.includes('@')) {
    if (!options.newest) {
      throw usageError(
        `Cannot read "${first}": say which of its jobs, as in ${first}@master or ${first}@<job id>`,
      );
    }
    return newestJob(context, first);
  }
  const { repo, ref } = parseCommitWords(words, { project: context.project });
  const pipeline = parsePipelineName(showName(repo), context.project);
  if (isCommitId(ref)) {
    return { pipeline, id: ref };
  }
  const params = refParams(repo, ref);
  const { id } = await context.client.call('GET /repos/{project}/{repo}/commits/{ref}', { params });
  return { pipeline, id };
}

/** Returns the jobs of a commit set. */
export async function jobsOfSet(context: Context, id: string): Promise<readonly NamedJob[]> {
  const jobs: NamedJob[] = [];
  for await (const job of context.client.items('GET /job-sets/{id}', { params: { id } })) {
    jobs.push({ pipeline: { project: job.project, name: job.pipeline }, id });
  }
  return jobs;
}

async function onlyJobOf(context: Context, id: string): Promise<NamedJob> {
  const jobs = await jobsOfSet(context, id);
  const [job] = jobs;
  if (!job) {
    throw new CliError('not_found', `Cannot find job ${id}; see the jobs with pfs list job`);
  }
  if (jobs.length > 1) {
    const names = jobs.map(({ pipeline }) => `${showName(pipeline)}@${id}`).join(', ');
    throw usageError(`Say which job of ${id} is meant: ${names}`);
  }
  return job;
}

async function newestJob(context: Context, text: string): Promise<NamedJob> {
  const pipeline = parsePipelineName(text, context.project);
  const query = { project: pipeline.project, pipeline: pipeline.name };
  for await (const { id } of context.client.items('GET /jobs', { query, most: 1 })) {
    return { pipeline, id };
  }
  throw new CliError(
    'not_found',
    `Cannot find a job of "${showName(pipeline)}": it has none yet; commit something to its input`,
  );
}
