// What spans tell of jobs and datums: how they ended, counts, times and sizes; never what they read, wrote or printed.

import { type Span, type Tracer, traced } from '../base/tracer.ts';
import type { JobRecord } from '../journal/records.ts';
import type { DatumOutcome } from './datum-task.ts';
import type { JobEnd } from './job-end.ts';

type Job = Pick<JobRecord, 'pipeline' | 'id' | 'version'>;

/**
 * Runs a job as a span, where spans are collected. Its trace has the id of the job, which is that of its commit set: all
 * jobs that one commit causes are in one trace, which is found by an id that users know.
 */
export async function spanOfJob(
  tracer: Tracer | undefined,
  job: Job,
  work: (span: Span | undefined) => Promise<void>,
): Promise<void> {
  if (tracer === undefined) {
    await work(undefined);
    return;
  }
  const facts = { ...factsOf(job), 'pfs.job.version': job.version };
  await traced(tracer.beginRoot(`job ${job.pipeline}`, { trace: job.id, facts }), work);
}

/** Says how a job ended. */
export function endJobSpan(span: Span | undefined, end: JobEnd | undefined): void {
  if (span === undefined || end === undefined) {
    return;
  }
  const { state, datums, stats } = end;
  span.set({
    'pfs.job.state': state,
    'pfs.job.datums.total': datums?.total,
    'pfs.job.datums.processed': datums?.processed,
    'pfs.job.datums.skipped': datums?.skipped,
    'pfs.job.datums.failed': datums?.failed,
    'pfs.job.datums.recovered': datums?.recovered,
    'pfs.job.download.bytes': stats?.downloadBytes,
    'pfs.job.upload.bytes': stats?.uploadBytes,
  });
  if (state !== 'success') {
    span.fail(state);
  }
}

/** Processes a datum as a span, where spans are collected, that is part of its job's. */
export async function spanOfDatum(
  tracer: Tracer | undefined,
  part: { readonly parent: Span | undefined; readonly job: Job; readonly datum: string },
  work: () => Promise<DatumOutcome>,
): Promise<DatumOutcome> {
  if (tracer === undefined) {
    return await work();
  }
  const { parent, job, datum } = part;
  const facts = { ...factsOf(job), 'pfs.datum.id': datum };
  return await traced(tracer.begin('datum', { parent, facts }), async (span) => {
    const outcome = await work();
    endDatum(span, outcome);
    return outcome;
  });
}

/** Says how a datum ended, and how long its stages took in all its tries. */
function endDatum(span: Span, { state, tries, exitCode, stats }: DatumOutcome): void {
  span.set({
    'pfs.datum.state': state,
    'pfs.datum.tries': tries,
    'pfs.datum.exit_code': exitCode ?? undefined,
    'pfs.datum.download.ms': stats.downloadMs,
    'pfs.datum.process.ms': stats.processMs,
    'pfs.datum.upload.ms': stats.uploadMs,
    'pfs.datum.download.bytes': stats.downloadBytes,
    'pfs.datum.upload.bytes': stats.uploadBytes,
  });
  if (state === 'failed') {
    span.fail(state);
  }
}

function factsOf({ pipeline, id }: Job): Record<string, string> {
  return { 'pfs.pipeline': pipeline, 'pfs.job.id': id };
}
