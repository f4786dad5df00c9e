// Beginning again with datums that are being processed: a command that hangs is killed, and nothing is counted.

import { EngineError } from '../base/errors.ts';
import { isTerminal, type JobRecord, jobKey } from '../journal/records.ts';
import { shortRepo } from '../pfs/names.ts';
import type { WorkerActivity } from './crew-member.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Which datums are meant: those that any of these names; all where there is none. */
export type DatumFilter = readonly string[];

/** A datum that begins again. */
export interface RestartedDatum {
  readonly datum: string;
  readonly worker: string;
}

/**
 * Restarts the datums of a job that are at work in this engine and that `filter` names: by the beginning of an id, or, with a
 * leading slash, by a path that they read or one above it. Throws `failed_precondition` where there is none.
 */
export function restartDatums(
  pool: WorkerPool,
  job: JobRecord,
  filter: DatumFilter,
): RestartedDatum[] {
  const key = jobKey(job.pipeline, job.id);
  const busy = pool.workers(job.pipeline).flatMap((member) => {
    const { activity } = member;
    return activity?.job === key && isMeant(activity, filter) ? [{ member, activity }] : [];
  });
  if (busy.length === 0) {
    throw new EngineError('failed_precondition', refusal(job, filter));
  }
  return busy.map(({ member, activity }) => {
    member.restart();
    return { datum: activity.datum, worker: member.name };
  });
}

function isMeant(activity: WorkerActivity, filter: DatumFilter): boolean {
  const names = (one: string): boolean =>
    one.startsWith('/')
      ? activity.paths.some((path) => path === one || path.startsWith(one.replace(/\/?$/, '/')))
      : activity.datum.startsWith(one);
  return filter.length === 0 || filter.some(names);
}

function refusal(job: JobRecord, filter: DatumFilter): string {
  const name = `${shortRepo(job.pipeline)}@${job.id}`;
  const which = filter.length === 0 ? 'a datum' : `datum ${filter.map((f) => `"${f}"`).join(', ')}`;
  return isTerminal(job.state)
    ? `Cannot restart ${which} of job ${name}: the job has ended (${job.state}); pfs rerun-pipeline starts another, which runs what has not succeeded`
    : `Cannot restart ${which} of job ${name}: no such datum is being processed by this engine now; pfs inspect-job shows those that are`;
}
