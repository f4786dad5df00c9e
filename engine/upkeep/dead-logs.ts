// Logs of jobs that no pipeline has any more.

import { jobSetHistoryKey } from '../journal/history-keys.ts';
import { LOGS_PREFIX } from '../object/keys.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { Deletion } from './deletion.ts';
import { type Amount, amountOf } from './report.ts';

const JOB = /^logs\/[0-9a-f]{2}\/([0-9a-f]{32})\//;

/** Deletes the logs of jobs that are older than the grace period and were deleted, with their pipeline or by themselves. */
export async function deleteLogs(
  context: PfsContext,
  { before, dryRun, pace }: Deletion,
): Promise<Amount> {
  const { store } = context;
  const dead: { key: string; bytes: number }[] = [];
  let last: { job: string; isDead: boolean } | undefined;
  for await (const { key, size, modified } of store.list(LOGS_PREFIX)) {
    await pace.step();
    const job = JOB.exec(key)?.[1];
    if (job !== undefined) {
      if (last?.job !== job) {
        last = { job, isDead: !(await isKnown(context, job)) };
      }
      if (last.isDead && modified <= before) {
        dead.push({ key, bytes: size });
      }
    }
  }
  for (const { key } of dryRun ? [] : dead) {
    await store.delete(key);
  }
  return amountOf(dead);
}

/** Returns whether a pipeline has a job of this id, or may still get one: a set that is being written may cause it. */
async function isKnown(context: PfsContext, job: string): Promise<boolean> {
  const { state } = context.journal;
  const isOpen = [...state.commits.keysBy('set', job)].some(
    (key) => state.commits.get(key)?.finished === null,
  );
  // A spout has no jobs: the log of its version is under that's id.
  const isVersion = [...state.pipelines.values()].some(
    ({ specCommit, spec }) => specCommit === job && spec.spout,
  );
  if (isOpen || isVersion || state.jobs.keysBy('set', job).size > 0) {
    return true;
  }
  const pipelines = new Set([...state.pipelines.values()].map(({ id }) => id));
  for await (const [key] of context.scanHistory(jobSetHistoryKey(job, ''))) {
    if (pipelines.has(key.slice(key.lastIndexOf('/') + 1))) {
      return true;
    }
  }
  return false;
}
