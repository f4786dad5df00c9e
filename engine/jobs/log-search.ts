// Finding log lines: of a job, or of a pipeline's jobs, by datum, input path, time and text, as they are and as they come.
// However many there are, one segment of one log is in memory at a time.

import { EngineError } from '../base/errors.ts';
import { jobHistoryKey } from '../journal/history-keys.ts';
import { isTerminal, type JobRecord, jobKey, type PipelineKey } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { findJob, jobSet, listJobs, resolvePipeline } from './job-lookup.ts';
import { type DatumSet, datumsReading } from './log-datums.ts';
import type { LogRecord } from './log-record.ts';
import type { JobLogs, ReadLogOptions } from './logs.ts';

export interface LogSearch {
  readonly pipeline?: PipelineKey;
  /** Id of a job: without a pipeline, of all jobs of the set. */
  readonly job?: string;
  /** The beginning of a datum's id; an empty one is for what concerns whole jobs. */
  readonly datum?: string;
  /** Only of datums that read this path, something below it or above it; a glob, perhaps after a repo and a colon. */
  readonly path?: string;
  /** In milliseconds since the Unix epoch, both included. */
  readonly since?: number;
  readonly until?: number;
  /** Only lines that hold this text. */
  readonly text?: string;
  /** Only this many of the last lines there are at first. */
  readonly tail?: number;
  /** Of which pipelines lines are shown where none is named; all where it is not said. */
  readonly includes?: (pipeline: PipelineKey) => boolean;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** A line, and the job that it is of. */
export interface FoundLine {
  readonly job: Pick<JobRecord, 'id' | 'pipeline'>;
  readonly record: LogRecord;
}

interface Places {
  readonly context: PfsContext;
  readonly logs: JobLogs;
}

/** Of a pipeline's jobs, those of so many of the newest are read where nothing says which lines are wanted. */
const MAX_JOBS = 100;
const CUT_NOTE = `pfs: lines of more than ${MAX_JOBS} jobs are shown only where you say which: by time, text, path, datum or job`;

/**
 * Yields lines, oldest first. Following ends with the job, or, for a pipeline, when the signal aborts. Rejects with
 * `not_found` where there is no such job or pipeline.
 */
export async function* searchLogs(places: Places, search: LogSearch): AsyncGenerator<FoundLine> {
  const { pipeline, job: id } = search;
  if (id !== undefined) {
    const found =
      pipeline === undefined
        ? await jobSet(places.context, id)
        : [await findJob(places.context, pipeline, id)];
    const { includes = () => true } = search;
    const jobs = found.flatMap((job) => (job && includes(job.pipeline) ? [job] : []));
    if (jobs.length === 0) {
      throw new EngineError('not_found', `Cannot find job ${id}; pfs list-job shows the jobs`);
    }
    yield* linesOf(places, jobs, search);
    return;
  }
  if (pipeline === undefined) {
    throw new EngineError('invalid', 'Cannot read logs: name a pipeline or a job');
  }
  const { jobs, pipelines } = places.context.journal.state;
  const spout = pipelines.get(pipeline);
  if (spout?.spec.spout) {
    yield* spoutLines(places, { ...search, pipeline }, spout.specCommit);
    return;
  }
  const seen = new Set([...jobs.keysBy('pipeline', pipeline)]);
  for await (const { job, tail, isCut } of chosenJobs(places, { ...search, pipeline })) {
    if (isCut) {
      yield { job, record: { time: job.created, pipeline, datum: '', message: CUT_NOTE } };
    }
    yield* linesOf(places, [job], tail === undefined ? search : { ...search, tail });
  }
  if (search.follow) {
    yield* newLines(places, { ...search, pipeline }, seen);
  }
}

/** Yields the lines of a spout, which has no jobs: each of its versions has a log, under the id of its commit. */
async function* spoutLines(
  { logs }: Places,
  search: LogSearch & { readonly pipeline: PipelineKey },
  version: string,
): AsyncGenerator<FoundLine> {
  const { pipeline, since, until, text, tail, follow, signal } = search;
  const options: ReadLogOptions = {
    job: version,
    pipelines: new Set([pipeline]),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(text === undefined ? {} : { text }),
    ...(tail === undefined ? {} : { tail }),
  };
  for await (const record of follow ? logs.follow({ ...options, signal }) : logs.read(options)) {
    yield { job: { id: version, pipeline }, record };
  }
}

/** Yields the lines of jobs that share one log, side by side as they come. */
async function* linesOf(
  places: Places,
  jobs: readonly JobRecord[],
  search: LogSearch,
): AsyncGenerator<FoundLine> {
  const [first] = jobs;
  if (first === undefined) {
    return;
  }
  const options = await readOptions(places, jobs, search);
  const nameOf = ({ pipeline }: LogRecord) => ({
    id: first.id,
    pipeline: pipeline === '' ? first.pipeline : pipeline,
  });
  if (!search.follow || jobs.every(({ state }) => isTerminal(state))) {
    for await (const record of places.logs.read(options)) {
      yield { job: nameOf(record), record };
    }
    return;
  }
  const done = new AbortController();
  const ended = places.context.journal
    .waitFor(
      (state) =>
        jobs.every(({ pipeline, id }) => {
          const now = state.jobs.get(jobKey(pipeline, id));
          return now === undefined || isTerminal(now.state);
        }) || undefined,
      { signal: search.signal },
    )
    .catch(() => undefined)
    .finally(() => done.abort());
  const signal = AbortSignal.any([done.signal, search.signal]);
  for await (const record of places.logs.follow({ ...options, signal })) {
    yield { job: nameOf(record), record };
  }
  await ended;
}

async function readOptions(
  { context }: Places,
  jobs: readonly JobRecord[],
  search: LogSearch,
): Promise<ReadLogOptions> {
  const { datum, path, since, until, text, tail } = search;
  let datums: DatumSet | undefined;
  if (path !== undefined) {
    datums = await datumsReading(context, jobs, path);
  }
  return {
    job: jobs[0]?.id ?? '',
    pipelines: new Set(jobs.map(({ pipeline }) => pipeline)),
    ...(datum === undefined ? {} : { datum }),
    ...(datums === undefined ? {} : { datums }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(text === undefined ? {} : { text }),
    ...(tail === undefined ? {} : { tail }),
  };
}

type OfPipeline = LogSearch & { readonly pipeline: PipelineKey };

/** Yields the jobs whose lines are wanted, oldest first, with how many of their last lines. */
async function* chosenJobs(
  places: Places,
  search: OfPipeline,
): AsyncGenerator<{
  readonly job: JobRecord;
  readonly tail?: number;
  /** There are older jobs, of which no lines are wanted. */
  readonly isCut?: boolean;
}> {
  const { context, logs } = places;
  const { pipeline, tail, datum, path, since, until, text } = search;
  const isWithin = ({ created, finished }: JobRecord) =>
    created <= (until ?? Number.POSITIVE_INFINITY) &&
    (finished ?? Number.POSITIVE_INFINITY) >= (since ?? 0);
  const isChosen = [datum, path, since, until, text].some((wish) => wish !== undefined);
  if (tail !== undefined) {
    const last: { job: JobRecord; tail: number; isCut?: boolean }[] = [];
    let wanted = tail;
    let looked = 0;
    for await (const job of listJobs(context, pipeline)) {
      if (wanted <= 0) {
        break;
      }
      looked += 1;
      if (looked > MAX_JOBS && !isChosen) {
        // Each costs a look into the store, however little it said.
        last.unshift({ job, tail: 0, isCut: true });
        break;
      }
      if (isWithin(job)) {
        const options = await readOptions(places, [job], search);
        const count = await logs.count({ ...options, most: wanted });
        wanted -= count;
        // One that still runs may say more.
        if (count > 0 || !isTerminal(job.state)) {
          last.unshift({ job, tail: count });
        }
      }
    }
    yield* last;
    return;
  }
  if (isChosen) {
    for await (const job of oldestFirst(context, pipeline)) {
      if (isWithin(job)) {
        yield { job };
      }
    }
    return;
  }
  const newest: { job: JobRecord; isCut?: boolean }[] = [];
  for await (const job of listJobs(context, pipeline)) {
    if (newest[0] && newest.length >= MAX_JOBS) {
      newest[0].isCut = true;
      break;
    }
    newest.unshift({ job });
  }
  yield* newest;
}

async function* oldestFirst(context: PfsContext, pipeline: PipelineKey): AsyncGenerator<JobRecord> {
  const { id } = resolvePipeline(context, pipeline);
  const { jobs } = context.journal.state;
  for await (const [, job] of context.scanHistory<JobRecord>(jobHistoryKey(id, ''))) {
    if (!jobs.has(jobKey(pipeline, job.id))) {
      yield job;
    }
  }
  const alive = [...jobs.keysBy('pipeline', pipeline)].flatMap((key) => jobs.get(key) ?? []);
  yield* alive.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Yields the lines of jobs that come up, in turn. `seen` are the keys of those that were there before. */
async function* newLines(
  places: Places,
  search: OfPipeline,
  seen: Set<string>,
): AsyncGenerator<FoundLine> {
  const { journal } = places.context;
  const { tail: _, ...rest } = search;
  for await (const _change of journal.changes(search.signal)) {
    const { jobs } = journal.state;
    const fresh = [...jobs.keysBy('pipeline', search.pipeline)]
      .filter((key) => !seen.has(key))
      .flatMap((key) => jobs.get(key) ?? [])
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const job of fresh) {
      seen.add(jobKey(job.pipeline, job.id));
      yield* linesOf(places, [job], rest);
    }
  }
}
