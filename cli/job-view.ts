// How jobs look.

import type { Job } from '../engine/server/wire.ts';
import type { Columns } from './commit-view.ts';
import {
  formatDuration,
  formatImage,
  formatLink,
  formatProgress,
  formatSize,
  formatSpan,
  formatTime,
  type TimeStyle,
} from './format.ts';
import { showName } from './refs.ts';

/** Returns the columns of a list of jobs. */
export function jobColumns(times: TimeStyle): Columns<Job> {
  return {
    heading: ['PIPELINE', 'ID', 'STARTED', 'DURATION', 'RESTART', 'PROGRESS', 'DL', 'UL', 'STATE'],
    row: (job) => [
      showName({ project: job.project, name: job.pipeline }),
      job.id,
      formatTime(job.started, times),
      formatSpan(job.started, job.finished, times.now),
      String(job.restarts),
      formatProgress(job.datums),
      formatSize(job.stats.downloadBytes),
      formatSize(job.stats.uploadBytes),
      job.waits ? `${job.state}, waits` : job.state,
    ],
  };
}

/** Returns the fields of one job, with the last lines of datums that failed. */
export function jobFields(
  job: Job,
  times: TimeStyle,
): readonly (readonly [string, string | undefined])[] {
  const { datums, stats } = job;
  return [
    ['ID', job.id],
    [
      'Pipeline',
      `${showName({ project: job.project, name: job.pipeline })}, version ${job.version}`,
    ],
    ['State', job.state],
    [
      'Reason',
      job.reason ||
        (job.state === 'success' && datums.total === 0 ? 'there was nothing to process' : ''),
    ],
    ['Created', formatTime(job.created, times)],
    ['Started', formatTime(job.started, times)],
    ['Duration', formatSpan(job.started, job.finished, times.now)],
    ['Restarts', String(job.restarts)],
    ['Retry of', job.retries ? `job ${job.retries}` : undefined],
    ['Datums', `${datums.total}`],
    ['Processed', String(datums.processed)],
    ['Skipped', String(datums.skipped)],
    ['Failed', String(datums.failed)],
    ['Recovered', String(datums.recovered)],
    ['Downloaded', `${formatSize(stats.downloadBytes)} in ${formatDuration(stats.downloadMs)}`],
    ['Processing', formatDuration(stats.processMs)],
    ['Uploaded', `${formatSize(stats.uploadBytes)} in ${formatDuration(stats.uploadMs)}`],
    ['Image', job.image ? formatImage(job.image) : undefined],
    ['Provenance', job.provenance.map(formatLink).join('\n')],
    ['Output branch', job.outputBranch],
    [
      'Workers',
      job.workers
        ?.map(
          ({ id, datum, since, waitsFor }) =>
            `${id}: ${
              datum
                ? `datum ${datum.slice(0, 12)}, since ${formatTime(since, times)}`
                : waitsFor
                  ? `waits for room, since ${formatTime(since, times)}`
                  : 'idle'
            }`,
        )
        .join('\n'),
    ],
    [
      'Failed datums',
      job.failed
        ?.map(({ id, reason, output }) =>
          [`${id}: ${withoutLines(reason, output)}`, ...output.map((line) => `  | ${line}`)].join(
            '\n',
          ),
        )
        .join('\n'),
    ],
  ];
}

/** A reason ends with the last lines that were printed; where these are shown in full, once is enough. */
function withoutLines(reason: string, output: readonly string[]): string {
  return output.length > 0 ? (reason.split('; last lines: ')[0] ?? reason) : reason;
}
