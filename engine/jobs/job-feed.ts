// The jobs of a store as they come and go, for those who follow them live.

import { EngineError } from '../base/errors.ts';
import type { Operation } from '../journal/operations.ts';
import { isTerminal, type JobRecord, jobKey } from '../journal/records.ts';
import type { JobState } from '../journal/states.ts';
import type { PfsContext } from '../pfs/context.ts';

/** Who takes jobs so slowly that more than this wait is let go of. */
const MAX_WAITING = 10_000;

/**
 * Yields the jobs that are not done, unless `fresh`, and from then on every job whenever its state has changed. None is missed;
 * rejects with `resource_exhausted` where they are taken far too slowly. Ends when `signal` aborts.
 */
export async function* followJobs(
  context: PfsContext,
  options: {
    readonly includes: (job: JobRecord) => boolean;
    readonly signal: AbortSignal;
    readonly fresh: boolean;
  },
): AsyncGenerator<JobRecord> {
  const { includes, signal, fresh } = options;
  const { journal } = context;
  const seen = new Map<string, JobState>();
  const waiting: JobRecord[] = [];
  let wake: () => void = () => undefined;
  const note = (job: JobRecord | undefined, isShown = true) => {
    if (job === undefined || !includes(job)) {
      return;
    }
    const key = jobKey(job.pipeline, job.id);
    if (seen.get(key) !== job.state && isShown) {
      if (waiting.length <= MAX_WAITING) {
        waiting.push(job);
      }
      wake();
    }
    if (isTerminal(job.state)) {
      seen.delete(key);
    } else {
      seen.set(key, job.state);
    }
  };
  for (const key of journal.state.jobs.keysBy('active', 'active')) {
    note(journal.state.jobs.get(key), !fresh);
  }
  const close = journal.subscribe(({ transactions }) => {
    const operations = transactions.flatMap((one) => one.operations as readonly Operation[]);
    for (const key of new Set(operations.flatMap(jobOf))) {
      note(journal.state.jobs.get(key));
    }
  });
  signal.addEventListener('abort', () => wake(), { once: true });
  try {
    while (!signal.aborted) {
      if (waiting.length > MAX_WAITING) {
        throw new EngineError(
          'resource_exhausted',
          'Cannot go on telling of jobs: they come faster than they are read; subscribe again',
        );
      }
      const job = waiting.shift();
      if (job) {
        yield job;
        continue;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    close();
  }
}

function jobOf(operation: Operation): string[] {
  switch (operation.kind) {
    case 'job.created':
      return [jobKey(operation.job.pipeline, operation.job.id)];
    case 'job.claimed':
    case 'job.progressed':
    case 'job.finished':
      return [jobKey(operation.pipeline, operation.job)];
    default:
      return [];
  }
}
