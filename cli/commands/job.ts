// Commands on jobs.

import { jobParams } from '../../client/params.ts';
import type { Job } from '../../engine/server/wire.ts';
import type { ParsedArguments } from '../arguments.ts';
import type { Command, Option } from '../command.ts';
import { commitParams } from '../commit-actions.ts';
import type { Context } from '../context.ts';
import { parseDuration } from '../duration.ts';
import { findJob, jobsOfSet } from '../job-lookup.ts';
import { jobColumns, jobFields } from '../job-view.ts';
import { allProjects, projectScope } from '../project-scope.ts';
import { isCommitId, parseCommitWords, parsePipelineName } from '../refs.ts';

const state: Option = {
  type: 'strings',
  value: 'state',
  description: 'only jobs in this state: running, success, failure, killed …; may be repeated',
};

const JOB = '<pipeline@job> | <pipeline> <job> | <job>';

export const commands: readonly Command[] = [
  {
    names: ['list job'],
    summary: 'List jobs, newest first',
    details: 'With a pipeline, its jobs; with the id of a commit set, the jobs of that.',
    usage: '[<pipeline> | <id>]',
    completes: 'pipeline',
    arguments: [0, 1],
    options: {
      pipeline: {
        type: 'string',
        short: 'p',
        value: 'name',
        completes: 'pipeline',
        description: 'only jobs of this pipeline',
      },
      state,
      input: {
        type: 'strings',
        short: 'i',
        value: 'commit',
        completes: 'repo',
        description: 'only jobs that read this commit, as in data@master; may be repeated',
      },
      version: {
        type: 'number',
        value: 'number',
        description: 'only jobs of this version of the pipeline',
      },
      since: {
        type: 'string',
        value: 'span',
        description: 'only jobs that began to wait within so long, as in 24h',
      },
      'all-projects': allProjects,
      number: { type: 'number', short: 'n', value: 'count', description: 'at most this many' },
    },
    examples: [
      ['list job', 'lists the jobs of all pipelines'],
      ['list-job -p model --state failure', 'lists those of model that failed'],
      ['list job -i training@master', 'lists those that read the newest commit of training'],
      ['list job 018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'lists the jobs of one commit set'],
    ],
    run: listJob,
  },
  {
    names: ['inspect job'],
    summary: 'Show one job: its progress, its failed datums, what it read',
    details: 'With a pipeline alone, its newest job.',
    usage: `${JOB} | <pipeline>`,
    completes: 'pipeline',
    arguments: [1, 2],
    options: {},
    examples: [
      ['inspect job model@018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'shows it'],
      ['inspect job model@master^', 'shows the one that made the commit before the newest'],
      ['inspect job model', 'shows the newest'],
    ],
    run: async (context, args) => {
      const { pipeline, id } = await findJob(context, args.positionals, { newest: true });
      const job = await context.client.call('GET /pipelines/{project}/{pipeline}/jobs/{id}', {
        params: jobParams(pipeline, id),
      });
      await context.output.fields(job, () => jobFields(job, context.output.times));
    },
  },
  {
    names: ['wait job', 'flush job'],
    summary: 'Wait until a job is done, with its datums shown as they are',
    details:
      'With the id of a commit set it waits for all jobs of that; with a pipeline, for its newest job. Ends with code 6 when a job failed.',
    usage: '<pipeline@job> | <pipeline> [job] | <id>',
    completes: 'pipeline',
    arguments: [1, 2],
    options: {},
    examples: [
      ['wait job model', 'waits for the newest job of model'],
      ['wait-job model@018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'waits for that one'],
    ],
    run: waitJobs,
  },
  {
    names: ['retry job'],
    summary: 'Run what failed in a job again; good results are kept',
    details:
      'Makes a new job, in a commit set of its own, on exactly what the failed one read, and all that is downstream. The failed commit stays as it is. Prints the id of the new job.',
    usage: JOB,
    completes: 'pipeline',
    arguments: [1, 2],
    options: {},
    examples: [
      ['retry job model@master', 'runs the failed datums of the newest job again'],
      ['retry-job model@018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'does so by the id of the job'],
    ],
    run: retryJob,
  },
  {
    names: ['subscribe job'],
    summary: 'Print jobs whenever their state changes, until Ctrl-C',
    details: 'Begins with those that are not done.',
    usage: '[<pipeline>]',
    completes: 'pipeline',
    arguments: [0, 1],
    options: {
      state,
      new: { type: 'boolean', description: 'leave out jobs that were there before' },
      'all-projects': allProjects,
    },
    examples: [
      ['subscribe job model', 'follows the jobs of model'],
      ['subscribe-job --state failure --raw', 'prints every job that fails, as JSON'],
    ],
    run: subscribeJob,
  },
  {
    names: ['stop job'],
    summary: 'Kill a job; later jobs go on',
    usage: JOB,
    completes: 'pipeline',
    arguments: [1, 2],
    options: {},
    examples: [['stop job model@018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'kills it']],
    run: async (context, args) => {
      const { pipeline, id } = await findJob(context, args.positionals);
      const job = await context.change('POST /pipelines/{project}/{pipeline}/jobs/{id}/stop', {
        params: jobParams(pipeline, id),
      });
      if (context.output.raw) {
        await context.output.json(job);
      }
    },
  },
];

async function listJob(context: Context, args: ParsedArguments): Promise<void> {
  const { client, output } = context;
  const [first] = args.positionals;
  const columns = jobColumns(output.times);
  const most = args.number('number');
  if (first !== undefined && isCommitId(first)) {
    await output.table(
      client.items('GET /job-sets/{id}', { params: { id: first }, most }),
      columns,
    );
    return;
  }
  const named = args.string('pipeline') ?? first;
  const pipeline = named === undefined ? undefined : parsePipelineName(named, context.project);
  const since = args.string('since');
  const query = {
    project: pipeline?.project ?? projectScope(context, args).project,
    pipeline: pipeline?.name,
    state: args.strings('state').join(',') || undefined,
    version: args.number('version'),
    input: (await inputsOf(context, args)) || undefined,
    since: since && new Date(output.times.now - parseDuration(since, 'since')).toISOString(),
  };
  await output.table(client.items('GET /jobs', { query, most }), columns);
}

async function retryJob(context: Context, args: ParsedArguments): Promise<void> {
  const { pipeline, id } = await findJob(context, args.positionals);
  const job = await context.change('POST /pipelines/{project}/{pipeline}/jobs/{id}/retry', {
    params: jobParams(pipeline, id),
  });
  if (context.output.raw) {
    await context.output.json(job);
  } else if (job.id !== id) {
    await context.output.line(job.id);
  }
}

/** Returns the commits that are named as inputs, with their ids. */
async function inputsOf(context: Context, args: ParsedArguments): Promise<string> {
  const inputs: string[] = [];
  for (const text of args.strings('input')) {
    const ref = parseCommitWords([text], { project: context.project });
    const { repo, id } = await context.client.call('GET /repos/{project}/{repo}/commits/{ref}', {
      params: commitParams(ref),
    });
    inputs.push(`${repo.project}/${repo.name}@${id}`);
  }
  return inputs.join(',');
}

async function subscribeJob(context: Context, args: ParsedArguments): Promise<void> {
  const { client, output } = context;
  const [first] = args.positionals;
  const pipeline = first === undefined ? undefined : parsePipelineName(first, context.project);
  const jobs = client.lines('GET /jobs/subscribe', {
    query: {
      project: pipeline?.project ?? projectScope(context, args).project,
      pipeline: pipeline?.name,
      state: args.strings('state').join(',') || undefined,
      new: args.flag('new'),
    },
  });
  await output.table(jobs, { ...jobColumns(output.times), live: true });
}

async function waitJobs(context: Context, args: ParsedArguments): Promise<void> {
  const { waitJob, followJob } = await import('../wait.ts');
  const { output } = context;
  const words = args.positionals;
  const columns = jobColumns(output.times);
  const isSet = words.length === 1 && isCommitId(words[0] ?? '');
  const named = isSet
    ? await jobsOfSet(context, words[0] ?? '')
    : [await findJob(context, words, { newest: true })];
  const jobs: Job[] = [];
  for (const job of named) {
    jobs.push(await followJob(context, job));
  }
  await output.table(jobs, columns);
  // Asks again, which answers at once, and throws for the first that failed.
  const failed = named.find((_, i) => /^(?:failure|killed|unrunnable)$/.test(jobs[i]?.state ?? ''));
  if (failed) {
    await waitJob(context, failed);
  }
}
