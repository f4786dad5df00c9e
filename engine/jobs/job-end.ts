// The end of a job, good or bad: its output commit, its results in the meta repo, and its record, in one transaction.

import { compose } from '../journal/compose.ts';
import type { Operation } from '../journal/operations.ts';
import {
  type CommitRecord,
  commitKey,
  type DatumCounts,
  type ImageRecord,
  type JobRecord,
  type JobState,
  type JobStats,
  jobKey,
  metaRepo,
} from '../journal/records.ts';
import { lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { type FinishedTree, writeGitCommit } from '../pfs/git-commit.ts';
import type { SessionPacks, WriteSession } from '../pfs/write-session.ts';
import { mergeResultTrees } from './results.ts';
import { SessionWriter } from './session-writer.ts';

/** How a job ends. */
export interface JobEnd {
  readonly state: Extract<JobState, 'success' | 'failure' | 'killed' | 'unrunnable'>;
  readonly reason: string;
  /** The output, of a job that succeeded. */
  readonly tree?: string | null;
  readonly datums?: DatumCounts;
  readonly stats?: JobStats;
  readonly results?: string | null;
  readonly image?: ImageRecord | null;
}

/**
 * Writes what the end of a job needs into `session` and returns what makes its operations from the packs. The job's
 * results so far go into the meta repo whatever the end: a datum that was processed never runs again.
 */
export async function prepareEnd(
  context: PfsContext,
  session: WriteSession,
  ending: { readonly job: JobRecord; readonly end: JobEnd },
): Promise<(packs: SessionPacks) => Operation[]> {
  const { job, end } = ending;
  const { state } = context.journal;
  const time = context.clock.now();
  const output = state.commits.get(commitKey(job.pipeline, job.id));
  const meta = state.commits.get(commitKey(metaRepo(job.pipeline), job.id));
  const finishes: Operation[] = [];
  if (output?.finished === null) {
    const failed = end.state !== 'success';
    const written = failed ? NOTHING : await writeOutput(context, session, { output, end, time });
    finishes.push({
      kind: 'commit.finished',
      repo: output.repo,
      commit: output.id,
      time,
      ...written,
      error: failed ? end.reason : null,
      image: end.image ?? null,
    });
  }
  if (meta?.finished === null) {
    const base = await lastGood(context, meta.repo, meta.parent);
    const results = end.results === undefined ? job.results : end.results;
    const tree = await mergeResultTrees(new SessionWriter(session), {
      base: base?.tree ?? null,
      from: results,
    });
    const written = await writeGitCommit(session, meta, {
      tree,
      parent: base?.git ?? null,
      time,
      description: '',
    });
    finishes.push({
      kind: 'commit.finished',
      repo: meta.repo,
      commit: meta.id,
      time,
      ...written,
      error: null,
    });
  }
  const { datums, stats, results } = end;
  finishes.push({
    kind: 'job.finished',
    pipeline: job.pipeline,
    job: job.id,
    state: end.state,
    reason: end.reason,
    time,
    ...(datums ? { datums } : {}),
    ...(stats ? { stats } : {}),
    ...(results === undefined ? {} : { results }),
  });
  return (packs) => [...packsOf(context, job, packs), ...finishes];
}

const NOTHING = { tree: null, git: null, size: 0, files: 0 };

async function writeOutput(
  context: PfsContext,
  session: WriteSession,
  options: { readonly output: CommitRecord; readonly end: JobEnd; readonly time: number },
): Promise<FinishedTree> {
  const { output, end, time } = options;
  const parent = await lastGood(context, output.repo, output.parent);
  return await writeGitCommit(session, output, {
    tree: end.tree ?? null,
    parent: parent?.git ?? null,
    time,
    description: output.description,
    image: end.image ?? null,
  });
}

/** Names packs of a job for both repos it writes: outputs and the results around them share their trees. */
export function packsOf(context: PfsContext, job: JobRecord, packs: SessionPacks): Operation[] {
  return [job.pipeline, metaRepo(job.pipeline)]
    .filter((repo) => context.journal.state.repos.has(repo))
    .map((repo) => ({ kind: 'packs.added', repo, ...packs }));
}

/**
 * Ends a job that is not running here, or must not go on: killed, unrunnable, failed. Returns false when it had
 * ended already.
 */
export async function endJob(
  context: PfsContext,
  ending: { readonly pipeline: string; readonly job: string; readonly end: JobEnd },
  actor: string,
): Promise<boolean> {
  for (;;) {
    const job = context.journal.state.jobs.get(jobKey(ending.pipeline, ending.job));
    if (job === undefined || job.finished !== null) {
      return false;
    }
    const { prepared, packs } = await storeEnd(context, { job, end: ending.end });
    const outcome = await context.journal.transact<'ended' | 'gone' | 'moved'>(
      (state) => {
        const now = state.jobs.get(jobKey(job.pipeline, job.id));
        if (now === undefined || now.finished !== null) {
          return { operations: [], result: 'gone' };
        }
        if (now.results !== job.results) {
          return { operations: [], result: 'moved' };
        }
        return compose(state, (draft) => {
          draft.add(...prepared(packs));
          return 'ended';
        });
      },
      { actor },
    );
    if (outcome !== 'moved') {
      return outcome === 'ended';
    }
  }
}

async function storeEnd(
  context: PfsContext,
  ending: { readonly job: JobRecord; readonly end: JobEnd },
): Promise<{ prepared: (packs: SessionPacks) => Operation[]; packs: SessionPacks }> {
  const session = context.newSession();
  try {
    const prepared = await prepareEnd(context, session, ending);
    return { prepared, packs: await session.finish() };
  } catch (error) {
    session.discard();
    throw error;
  }
}
