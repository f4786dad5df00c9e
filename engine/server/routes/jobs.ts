// Jobs, datums, logs and provenance over HTTP.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { getDatum, type JobDatum, listDatums } from '../../jobs/datum-list.ts';
import { getJob } from '../../jobs/job-lookup.ts';
import { JobResults } from '../../jobs/job-results.ts';
import { lineageDown, lineageUp } from '../../jobs/lineage.ts';
import { restartDatums } from '../../jobs/restart-datum.ts';
import { retryOf } from '../../jobs/retry-job.ts';
import { isTerminal, type JobRecord, jobKey } from '../../journal/records.ts';
import { DATUM_STATES } from '../../journal/states.ts';
import { resolveCommit } from '../../pfs/commit-lookup.ts';
import { openTree } from '../../pfs/commits.ts';
import { resolveFile } from '../../pfs/files.ts';
import { normalizePath, repoKeyOf } from '../../pfs/names.ts';
import { changing } from '../changing.ts';
import {
  answering,
  pageOf,
  param,
  pipelineOf,
  query,
  sendLines,
  texts,
  untilGone,
  wantedStates,
} from '../http.ts';
import { demandRepo, readableBy, readableNames } from '../identity.ts';
import { jobViewer } from '../job-viewer.ts';
import { logSearchOf, readLogs } from '../log-reading.ts';
import type { EngineParts } from '../parts.ts';
import { readableInputs, readableLineage } from '../readable-views.ts';
import { isoTime, isServed, reasonOf, viewDatum, viewLineage } from '../views.ts';
import type { FailedDatum, Job, RepoName } from '../wire.ts';

const SHOWN_FAILURES = 10;
const JOB = '/pipelines/:project/:pipeline/jobs/:id';

/** Adds the routes of jobs, datums, logs and provenance. */
export function jobRoutes(server: FastifyInstance, parts: EngineParts): void {
  const { context, pool, hosting } = parts;
  const change = changing(context);
  const answered = answering(context);
  const view = jobViewer(parts);

  server.get(JOB, async (request) => {
    const job = await getJob(context, pipelineOf(request), param(request, 'id'));
    const workers = isTerminal(job.state) ? {} : { workers: workersOf(job) };
    return { ...(await view(request, job)), failed: await failures(job), ...workers };
  });

  server.post(`${JOB}/stop`, async (request) => {
    const [pipeline, job] = [pipelineOf(request), param(request, 'id')];
    return await view(request, await change(request, { kind: 'job.stop', pipeline, job }));
  });

  server.post(`${JOB}/restart`, async (request) => {
    const job = await getJob(context, pipelineOf(request), param(request, 'id'));
    return await answered(request, async () => ({
      restarted: restartDatums(parts.pool, job, texts(request, 'datums')),
    }));
  });

  server.post(`${JOB}/retry`, async (request) => {
    const [pipeline, id] = [pipelineOf(request), param(request, 'id')];
    const failed = await change(request, { kind: 'job.retry', pipeline, job: id });
    return await view(request, retryOf(context, failed) ?? failed);
  });

  server.get(`${JOB}/wait`, async (request, reply) => {
    const job = await getJob(context, pipelineOf(request), param(request, 'id'));
    return sendLines(reply, changesOf(request, { first: job, signal: untilGone(reply) }));
  });

  server.get(`${JOB}/datums`, async (request) => {
    const job = await getJob(context, pipelineOf(request), param(request, 'id'));
    const running = new Set(workersOf(job).map(({ datum }) => datum));
    return await pageOf(
      request,
      inStates(
        listDatums(context, job, (id) => running.has(id)),
        wantedStates(query(request, 'state'), { of: 'datums', known: DATUM_STATES }),
      ),
      {
        keyOf: ({ datum }) => datum.id,
        view: (datum) => readableInputs(viewDatum(job, datum), mayReadIn(request)),
      },
    );
  });

  server.get(`${JOB}/datums/:datum`, async (request) => {
    const job = await getJob(context, pipelineOf(request), param(request, 'id'));
    const datum = viewDatum(job, await getDatum(context, job, param(request, 'datum')));
    return readableInputs(datum, mayReadIn(request));
  });

  server.get('/logs', (request, reply) => {
    const { state } = context.journal;
    const search = logSearchOf(request, untilGone(reply));
    if (search.pipeline !== undefined) {
      demandRepo(request, state, { repo: search.pipeline, role: 'reader' });
    }
    const includes = readableBy(request, state);
    return sendLines(reply, readLogs(parts, { ...search, includes }));
  });

  server.get('/provenance', async (request) => {
    const [project = '', name = ''] = (query(request, 'repo') ?? '').split('/');
    const repo = repoKeyOf(project, name);
    const ref = query(request, 'ref') ?? 'master';
    const path = normalizePath(query(request, 'path') ?? '');
    demandRepo(request, context.journal.state, { repo, role: 'reader' });
    const commit = await resolveCommit(context, repo, ref);
    if (path !== '') {
      const tree = await openTree(context, repo, ref);
      try {
        await resolveFile(tree.objects, tree.tree, { path, where: tree.where });
      } finally {
        tree.close();
      }
    }
    const walk = query(request, 'direction') === 'down' ? lineageDown : lineageUp;
    const lineage = await walk(context, commit, path === '' ? null : path);
    return readableLineage(viewLineage(context, lineage), mayReadIn(request));
  });

  function mayReadIn(request: FastifyRequest): (repo: RepoName) => boolean {
    return readableNames(request, context.journal);
  }

  function workersOf(job: JobRecord): NonNullable<Job['workers']> {
    const key = jobKey(job.pipeline, job.id);
    const hosted = hosting.workers(job.pipeline).filter((one) => one.job === job.id);
    if (hosted.length > 0) {
      return hosted.map(({ name, datum, since }) => ({
        id: name,
        datum,
        since: isoTime(since),
        waitsFor: '',
      }));
    }
    return pool.workers(job.pipeline).map(({ name, activity, place }) => {
      const own = activity?.job === key ? activity : undefined;
      const since = (own ?? place)?.since;
      return {
        id: name,
        datum: own?.datum ?? null,
        since: since === undefined ? null : isoTime(since),
        waitsFor: place?.reason ?? '',
      };
    });
  }

  async function failures(job: JobRecord): Promise<FailedDatum[]> {
    const failed: FailedDatum[] = [];
    const wanted = Math.min(job.datums.failed, SHOWN_FAILURES);
    for await (const result of wanted > 0 ? new JobResults(context, job).own() : []) {
      if (result.state === 'failed') {
        failed.push({ id: result.datum, reason: result.reason, output: result.lastLines });
        if (failed.length === wanted) {
          break;
        }
      }
    }
    return failed;
  }

  async function* changesOf(
    request: FastifyRequest,
    { first, signal }: { readonly first: JobRecord; readonly signal: AbortSignal },
  ): AsyncGenerator<Job> {
    let last: JobRecord | undefined;
    let lastReason = '';
    for await (const _ of context.journal.changes(signal)) {
      const job = await getJob(context, first.pipeline, first.id);
      const reason = reasonOf(context, job);
      if (job !== last || reason !== lastReason) {
        yield await view(request, job);
        last = job;
        lastReason = reason;
      }
      if (isTerminal(job.state) || isServed(context, job)) {
        return;
      }
    }
  }
}

async function* inStates(
  datums: AsyncIterable<JobDatum>,
  states: readonly string[],
): AsyncGenerator<JobDatum> {
  for await (const datum of datums) {
    if (states.length === 0 || states.includes(datum.state)) {
      yield datum;
    }
  }
}
