// The end of a job, good or bad: its output commit, its results in the meta repo, and its record, in one transaction.

import { pipelineActor } from '../auth/asker.ts';
import { EngineError } from '../base/errors.ts';
import { compose, type Draft } from '../journal/compose.ts';
import type { Operation } from '../journal/operations.ts';
import {
  type CommitRecord,
  commitKey,
  type DatumCounts,
  type ImageRecord,
  type JobRecord,
  type JobStats,
  jobKey,
  metaRepo,
  type PipelineKey,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { JobState } from '../journal/states.ts';
import { type Change, makeChange } from '../pfs/change.ts';
import { goodCommit } from '../pfs/commit-facts.ts';
import { lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { writeGitCommit } from '../pfs/git-commit.ts';
import { propagateOutput } from '../pfs/propagate.ts';
import { demandSameHistory, historyOf } from '../pfs/settled.ts';
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
 * results so far go into the meta repo whatever the end: a datum that was processed never runs again. Making the operations
 * rejects as {@link demandSameHistory} does when ancestors were removed meanwhile.
 */
export async function prepareEnd(
  context: PfsContext,
  session: WriteSession,
  ending: { readonly job: JobRecord; readonly end: JobEnd },
): Promise<(packs: SessionPacks) => Operation[]> {
  const { job, end } = ending;
  const { output, meta } = commitsOf(context.journal.state, job);
  const histories = [output, meta].flatMap((commit) =>
    commit ? [{ repo: commit.repo, history: historyOf(context.journal.state, commit.repo) }] : [],
  );
  const good = async (commit: CommitRecord | undefined) =>
    commit && (await lastGood(context, commit.repo, commit.parent));
  const finishes = await writeEnd(session, {
    job,
    end,
    time: context.clock.now(),
    output,
    meta,
    outputBase: await good(output),
    metaBase: await good(meta),
  });
  return (packs) => {
    for (const { repo, history } of histories) {
      demandSameHistory(context.journal.state, repo, history);
    }
    return [...packsOf(context, job, packs), ...finishes];
  };
}

/**
 * Journals the end of a job that `owner` runs, and moves what follows its output. Rejects with `cancelled` where the job is
 * no longer that one's.
 */
export async function commitEnd(
  context: PfsContext,
  ending: {
    readonly job: JobRecord;
    readonly owner: string;
    readonly operations: () => readonly Operation[];
  },
): Promise<void> {
  const { job, owner, operations } = ending;
  await context.journal.transact(
    (state) => {
      if (state.jobs.get(jobKey(job.pipeline, job.id))?.owner !== owner) {
        throw new EngineError('cancelled', 'Cannot finish the job: it ended or moved meanwhile');
      }
      return compose(state, (draft) => {
        draft.add(...operations());
        followOutput(draft, job, () => context.ids.next());
        return null;
      });
    },
    { actor: pipelineActor(job.pipeline) },
  );
}

/** The commits of a job that are still open, and the good ancestors that they go on from. */
interface EndGround {
  readonly output: CommitRecord | undefined;
  readonly meta: CommitRecord | undefined;
  readonly outputBase: CommitRecord | undefined;
  readonly metaBase: CommitRecord | undefined;
}

function commitsOf(state: State, job: JobRecord): Pick<EndGround, 'output' | 'meta'> {
  return {
    output: state.commits.get(commitKey(job.pipeline, job.id)),
    meta: state.commits.get(commitKey(metaRepo(job.pipeline), job.id)),
  };
}

/** Writes what the end of a job needs; returns the operations that make it so, but for the packs. */
async function writeEnd(
  session: WriteSession,
  ending: EndGround & { readonly job: JobRecord; readonly end: JobEnd; readonly time: number },
): Promise<Operation[]> {
  const { job, end, time, output, meta, outputBase, metaBase } = ending;
  const finishes: Operation[] = [];
  if (output?.finished === null) {
    const failed = end.state !== 'success';
    const written = failed
      ? NOTHING
      : await writeGitCommit(session, output, {
          tree: end.tree ?? null,
          parent: outputBase?.git ?? null,
          time,
          description: output.description,
          image: end.image ?? null,
        });
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
    const results = end.results === undefined ? job.results : end.results;
    const tree = await mergeResultTrees(new SessionWriter(session), {
      base: metaBase?.tree ?? null,
      from: results,
    });
    const written = await writeGitCommit(session, meta, {
      tree,
      parent: metaBase?.git ?? null,
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
  return finishes;
}

const NOTHING = { tree: null, git: null, size: 0, files: 0 };

/** Moves what follows the branch of a good output, in the transaction that finishes it; `newSet` names a commit set. */
function followOutput(draft: Draft, job: JobRecord, newSet: () => string): void {
  const output = draft.state.commits.get(commitKey(job.pipeline, job.id));
  if (output?.finished != null && output.error === null) {
    const ref = { repo: job.pipeline, branch: output.branch };
    propagateOutput(draft, { ref, commit: job.id }, { time: output.finished, newSet });
  }
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
export function endJob(context: PfsContext, ending: JobEnding, actor: string): Promise<boolean> {
  return makeChange(context, { actor }, (change) => endJobIn(change, ending));
}

export interface JobEnding {
  readonly pipeline: PipelineKey;
  readonly job: string;
  readonly end: JobEnd;
}

/** As {@link endJob}, within a change. */
export function endJobIn(change: Change, ending: JobEnding): boolean {
  const job = change.state.jobs.get(jobKey(ending.pipeline, ending.job));
  if (job === undefined || job.finished !== null) {
    return false;
  }
  change.add(...endOperations(change, job, ending.end));
  return true;
}

/**
 * Finishes the commits of a job that goes on, within a change: a service serves what it reads from now on. Readers of its
 * output, which is empty, need not wait until it ends. Returns false when the job has ended.
 */
export function serveJobIn(
  change: Change,
  serving: { readonly job: JobRecord; readonly owner: string; readonly image: ImageRecord },
): boolean {
  const { owner, image } = serving;
  const { pipeline, id } = serving.job;
  const job = change.state.jobs.get(jobKey(pipeline, id));
  if (job === undefined || job.finished !== null || job.owner !== owner) {
    return false;
  }
  const operations = endOperations(change, job, { state: 'success', reason: '', image });
  change.add(
    {
      kind: 'job.progressed',
      pipeline,
      job: id,
      owner,
      state: 'running',
      datums: { ...job.datums, total: 1, processed: 1 },
      stats: job.stats,
      results: job.results,
      image,
    },
    ...operations.filter(({ kind }) => kind !== 'job.finished'),
  );
  followOutput(change.draft, job, () => change.context.ids.next());
  return true;
}

function endOperations(change: Change, job: JobRecord, end: JobEnd): Operation[] {
  const { state, time } = change;
  const { output, meta } = commitsOf(state, job);
  const good = (commit: CommitRecord | undefined) =>
    commit && goodCommit(change, commit.repo, commit.parent);
  const [outputBase, metaBase] = [good(output), good(meta)];
  const key = `end ${jobKey(job.pipeline, job.id)} ${end.state} ${job.results} ${outputBase?.git} ${metaBase?.git}`;
  return change.store<Operation[]>(key, {
    repos: [job.pipeline, metaRepo(job.pipeline)],
    standIn: endWithoutContents(job, { output, meta, end, time }),
    write: (session) => writeEnd(session, { job, end, time, output, meta, outputBase, metaBase }),
  });
}

/** What {@link writeEnd} returns, for a trial that stores nothing. */
function endWithoutContents(
  job: JobRecord,
  ending: Pick<EndGround, 'output' | 'meta'> & { readonly end: JobEnd; readonly time: number },
): Operation[] {
  const { output, meta, end, time } = ending;
  const commits = [output, meta].flatMap((commit) => (commit?.finished === null ? [commit] : []));
  return [
    ...commits.map(
      ({ repo, id }): Operation => ({
        kind: 'commit.finished',
        repo,
        commit: id,
        time,
        ...NOTHING,
        error: end.reason,
      }),
    ),
    {
      kind: 'job.finished',
      pipeline: job.pipeline,
      job: job.id,
      state: end.state,
      reason: end.reason,
      time,
    },
  ];
}
