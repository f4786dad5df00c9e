// Lists of jobs over HTTP, and jobs as they come and go.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EngineError } from '../../base/errors.ts';
import { followJobs } from '../../jobs/job-feed.ts';
import { jobSet, listJobs, resolvePipeline } from '../../jobs/job-lookup.ts';
import { type CommitRecord, type JobRecord, jobKey } from '../../journal/records.ts';
import { JOB_STATES } from '../../journal/states.ts';
import { findCommit } from '../../pfs/commit-lookup.ts';
import { repoKeyOf } from '../../pfs/names.ts';
import { flag, pageOf, param, query, sendLines, untilGone, wantedStates } from '../http.ts';
import { demandRepo, readableBy } from '../identity.ts';
import { jobViewer } from '../job-viewer.ts';
import type { EngineParts } from '../parts.ts';
import type { Job } from '../wire.ts';

/** Which jobs are wanted. */
interface Wanted {
  readonly project: string | undefined;
  /** `project/name`. */
  readonly pipeline: string | undefined;
  /** Any of these; empty: all. */
  readonly states: readonly string[];
  readonly version: number | undefined;
  /** `project/repo@commit` that each must have read. */
  readonly inputs: readonly string[];
  /** In milliseconds since the Unix epoch. */
  readonly since: number;
}

/** Adds the routes of lists of jobs. */
export function jobListRoutes(server: FastifyInstance, parts: EngineParts): void {
  const { context } = parts;
  const outputOf = (job: JobRecord) => findCommit(context, job.pipeline, job.id);
  const view = jobViewer(parts);

  server.get('/jobs', async (request) => {
    const wanted = wantedBy(request);
    const { project, pipeline } = wanted;
    const { pipelines } = context.journal.state;
    const keys =
      pipeline === undefined
        ? [...pipelines.keys()].filter((key) => !project || key.startsWith(`${project}/`))
        : [pipeline];
    const mayRead = readableBy(request, context.journal.state);
    if (pipeline !== undefined) {
      demandRepo(request, context.journal.state, { repo: pipeline, role: 'reader' });
    }
    return await pageOf(request, matching(keys.filter(mayRead), wanted), {
      keyOf: (job) => jobKey(job.pipeline, job.id),
      view: (job) => view(request, job),
    });
  });

  server.get('/jobs/subscribe', (request, reply) => {
    const wanted = wantedBy(request);
    if (wanted.pipeline !== undefined) {
      demandRepo(request, context.journal.state, { repo: wanted.pipeline, role: 'reader' });
      resolvePipeline(context, wanted.pipeline);
    }
    const jobs = followJobs(context, {
      includes: (job) =>
        isOfWanted(job, wanted) && readableBy(request, context.journal.state)(job.pipeline),
      signal: untilGone(reply),
      fresh: flag(request, 'new'),
    });
    return sendLines(reply, changes(request, { jobs, states: wanted.states }));
  });

  server.get('/job-sets/:id', async (request) =>
    pageOf(
      request,
      (await jobSet(context, param(request, 'id'))).filter(({ pipeline }) =>
        readableBy(request, context.journal.state)(pipeline),
      ),
      { keyOf: (job) => job.pipeline, view: (job) => view(request, job) },
    ),
  );

  async function* changes(
    request: FastifyRequest,
    { jobs, states }: Pick<Wanted, 'states'> & { readonly jobs: AsyncIterable<JobRecord> },
  ): AsyncGenerator<Job> {
    for await (const job of jobs) {
      if (states.length === 0 || states.includes(job.state)) {
        yield await view(request, job);
      }
    }
  }

  async function* matching(
    pipelines: readonly string[],
    wanted: Wanted,
  ): AsyncGenerator<JobRecord> {
    const { states, version, inputs, since } = wanted;
    for await (const job of newestFirst(pipelines.map((key) => listJobs(context, key)))) {
      const isMeant =
        (states.length === 0 || states.includes(job.state)) &&
        (version === undefined || job.version === version) &&
        job.created >= since &&
        (inputs.length === 0 || hasRead(await outputOf(job), inputs));
      if (isMeant) {
        yield job;
      }
    }
  }
}

function isOfWanted(job: JobRecord, { pipeline, project, version }: Wanted): boolean {
  return (
    (pipeline === undefined || job.pipeline === pipeline) &&
    (project === undefined || job.pipeline.startsWith(`${project}/`)) &&
    (version === undefined || job.version === version)
  );
}

function hasRead(output: CommitRecord | undefined, inputs: readonly string[]): boolean {
  const read = output?.provenance.map(({ repo, commit }) => `${repo}@${commit}`) ?? [];
  return inputs.every((input) => read.includes(input));
}

function wantedBy(request: FastifyRequest): Wanted {
  const project = query(request, 'project');
  const pipeline = query(request, 'pipeline');
  const states = wantedStates(query(request, 'state'), { of: 'jobs', known: JOB_STATES });
  const version = query(request, 'version');
  const since = Date.parse(query(request, 'since') ?? '1970-01-01T00:00:00Z');
  if (Number.isNaN(since) || (version !== undefined && !/^\d{1,9}$/.test(version))) {
    throw new EngineError(
      'invalid',
      'Cannot list jobs: "since" is a time as in 2030-12-24T18:00:00Z, and "version" a number',
    );
  }
  return {
    project,
    pipeline: pipeline === undefined ? undefined : repoKeyOf(project ?? 'default', pipeline),
    states,
    version: version === undefined ? undefined : Number(version),
    inputs: query(request, 'input')?.split(',') ?? [],
    since,
  };
}

/** Merges the jobs of several pipelines, each newest first, into one list, newest first. */
async function* newestFirst(
  lists: readonly AsyncGenerator<JobRecord>[],
): AsyncGenerator<JobRecord> {
  const heads: { readonly list: AsyncGenerator<JobRecord>; job: JobRecord }[] = [];
  const advance = async (list: AsyncGenerator<JobRecord>) => {
    const next = await list.next();
    if (!next.done) {
      heads.push({ list, job: next.value });
      heads.sort((a, b) => (a.job.id < b.job.id ? 1 : -1));
    }
  };
  for (const list of lists) {
    await advance(list);
  }
  for (let head = heads.shift(); head; head = heads.shift()) {
    yield head.job;
    await advance(head.list);
  }
}
