// The log lines a client asks for: of a job, or of a pipeline's jobs, as they are and as they come.

import { EngineError } from '../base/errors.ts';
import { findJob, jobSet, listJobs } from '../jobs/job-lookup.ts';
import type { LogRecord } from '../jobs/log-record.ts';
import { isTerminal, type JobRecord } from '../journal/records.ts';
import { repoKeyOf, splitRepoKey } from '../pfs/names.ts';
import type { EngineParts } from './parts.ts';
import { isoTime } from './views.ts';
import type { LogLine } from './wire.ts';

export interface LogQuery {
  readonly project: string;
  readonly pipeline?: string;
  readonly job?: string;
  readonly datum?: string;
  readonly tail?: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** Of a pipeline's jobs, the log lines of this many of the newest are read. */
const MAX_JOBS = 100;

/** Yields log lines, oldest first. Following ends with the job, or, for a pipeline, when the client goes away. */
export async function* readLogs(parts: EngineParts, query: LogQuery): AsyncGenerator<LogLine> {
  const { project, pipeline, job: id } = query;
  const key = pipeline === undefined ? undefined : repoKeyOf(project, pipeline);
  if (id === undefined && key === undefined) {
    throw new EngineError('invalid', 'Cannot read logs: name a pipeline or a job');
  }
  if (id !== undefined) {
    const jobs = await jobsOf(parts, id, key);
    for (const job of jobs) {
      yield* jobLines(parts, job, query);
    }
    return;
  }
  yield* pipelineLines(parts, key ?? '', query);
}

async function jobsOf(
  parts: EngineParts,
  id: string,
  key: string | undefined,
): Promise<JobRecord[]> {
  const { context } = parts;
  const found = key === undefined ? await jobSet(context, id) : [await findJob(context, key, id)];
  const jobs = found.filter((job) => job !== undefined);
  if (jobs.length === 0) {
    throw new EngineError('not_found', `Cannot find job ${id}; pfs list-job shows the jobs`);
  }
  return jobs;
}

async function* pipelineLines(
  parts: EngineParts,
  key: string,
  query: LogQuery,
): AsyncGenerator<LogLine> {
  const { context } = parts;
  const seen = new Set<string>();
  const jobs: JobRecord[] = [];
  let wanted = query.tail ?? Number.POSITIVE_INFINITY;
  const last = new Map<string, LogLine[]>();
  for await (const job of listJobs(context, key)) {
    jobs.unshift(job);
    if (query.tail !== undefined) {
      const lines = await collect(jobLines(parts, job, { ...query, tail: wanted, follow: false }));
      last.set(job.id, lines);
      wanted -= lines.length;
    }
    // Without a bound only the newest jobs are wanted: those of years would be no answer.
    if (wanted <= 0 || jobs.length >= MAX_JOBS) {
      break;
    }
  }
  for (const job of jobs) {
    seen.add(job.id);
    const lines = last.get(job.id);
    const goesOn = query.follow && !isTerminal(job.state);
    if (lines && !goesOn) {
      yield* lines;
    } else {
      yield* jobLines(parts, job, lines ? { ...query, tail: lines.length } : query);
    }
  }
  if (!query.follow) {
    return;
  }
  for await (const _ of context.journal.changes(query.signal)) {
    const { state } = context.journal;
    const fresh = [...state.jobs.keysBy('pipeline', key)]
      .flatMap((jobKey) => state.jobs.get(jobKey) ?? [])
      .filter((job) => !seen.has(job.id))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const job of fresh) {
      seen.add(job.id);
      yield* jobLines(parts, job, query);
    }
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

async function* jobLines(
  parts: EngineParts,
  job: JobRecord,
  query: LogQuery,
): AsyncGenerator<LogLine> {
  const { datum, tail, signal } = query;
  const options = {
    job: job.id,
    pipeline: job.pipeline,
    ...(datum === undefined ? {} : { datum }),
    ...(tail === undefined ? {} : { tail }),
  };
  if (!query.follow || isTerminal(job.state)) {
    for await (const record of parts.logs.read(options)) {
      yield toLine(job, record);
    }
    return;
  }
  const done = new AbortController();
  const ended = parts.context.journal
    .waitFor(
      (state) => {
        const now = state.jobs.get(`${job.pipeline}@${job.id}`);
        return now === undefined || isTerminal(now.state) ? true : undefined;
      },
      { signal },
    )
    .catch(() => undefined)
    .finally(() => done.abort());
  const both = AbortSignal.any([done.signal, signal]);
  for await (const record of parts.logs.follow({ ...options, signal: both })) {
    yield toLine(job, record);
  }
  await ended;
}

function toLine(job: JobRecord, record: LogRecord): LogLine {
  const { project, name } = splitRepoKey(job.pipeline);
  return {
    time: isoTime(record.time),
    project,
    pipeline: name,
    job: job.id,
    datum: record.datum,
    message: record.message,
  };
}
