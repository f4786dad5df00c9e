// Lets old commits go where a repo says which stay. They go to the trash like any removed commit; their children begin a
// line of their own, as in a shallow clone.

import { isEngineError } from '../base/errors.ts';
import { jobHistoryKey } from '../journal/history-keys.ts';
import type { Operation } from '../journal/operations.ts';
import {
  type CommitRecord,
  commitKey,
  isTerminal,
  type JobRecord,
  jobKey,
  metaRepo,
  type RepoKey,
  type RepoRecord,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { listCommits } from '../pfs/commit-list.ts';
import type { PfsContext } from '../pfs/context.ts';
import { demand, historyOf } from '../pfs/settled.ts';
import type { Pace } from './pace.ts';

/** Lets the datum results of a pipeline go that only jobs had which are `gone`; returns how many datums' that are. */
export type PruneResults = (
  pipeline: RepoKey,
  options: {
    readonly gone: ReadonlySet<string>;
    readonly dryRun: boolean;
    readonly step: () => Promise<void>;
  },
) => Promise<number>;

/** What retention let go of, or would. */
export interface Expired {
  readonly commits: number;
  /** Datums of which the results went. */
  readonly results: number;
}

/** Commits that go in one transaction. */
const BATCH = 100;
const ACTOR = { actor: 'engine' };
/** Keeps heads, and what must stay in any case. */
const NOTHING_MORE = { last: null, forMs: null };

/** Why a commit stays: what {@link retainedIds} knows of its repo. */
interface Line {
  /** By id, newest first. */
  readonly commits: ReadonlyMap<string, CommitRecord>;
  readonly heads: readonly (string | null)[];
  readonly tags: readonly string[];
}

/**
 * Lets go of what the repos' settings don't keep; returns how much that is, or with `dryRun` would be. A repo on
 * which somebody else worked at the same time is left for the next time.
 */
export async function retain(
  context: PfsContext,
  options: {
    readonly dryRun: boolean;
    readonly pace: Pace;
    readonly pruneResults?: PruneResults;
  },
): Promise<Expired> {
  const { dryRun, pace, pruneResults } = options;
  const { state } = context.journal;
  const repos = [...state.repos.values()].filter(({ keep }) => keep !== undefined);
  if (repos.length === 0) {
    return { commits: 0, results: 0 };
  }
  const sources = await sourcesOfOthers(context, pace);
  let commits = 0;
  let results = 0;
  for (const repo of repos) {
    try {
      const gone = await retainRepo(context, { repo, sources, dryRun, pace });
      commits += gone.size;
      if (pruneResults && state.pipelines.has(repo.key)) {
        results += await pruneResults(repo.key, { gone, dryRun, step: () => pace.step() });
      }
    } catch (error) {
      if (!isEngineError(error, 'conflict')) {
        throw error;
      }
    }
  }
  return { commits, results };
}

/** Returns the ids of the commits that went. */
async function retainRepo(
  context: PfsContext,
  work: {
    readonly repo: RepoRecord;
    readonly sources: ReadonlySet<string>;
    readonly dryRun: boolean;
    readonly pace: Pace;
    /** Ids of commits that stay, whatever the setting. */
    readonly also?: ReadonlySet<string>;
  },
): Promise<Set<string>> {
  const { repo, sources, dryRun, pace, also } = work;
  const { state } = context.journal;
  const ground = groundOf(state, repo.key);
  const heads = [...state.branches.keysBy('repo', repo.key)].map(
    (key) => state.branches.get(key)?.head ?? null,
  );
  const tags = [...state.tags.keysBy('repo', repo.key)].flatMap(
    (key) => state.tags.get(key)?.commit ?? [],
  );
  const commits = new Map<string, CommitRecord>();
  for await (const commit of listCommits(context, repo.key)) {
    await pace.step();
    commits.set(commit.id, commit);
  }
  const line = { commits, heads, tags: [...tags, ...(also ?? [])] };
  const kept = retainedIds(line, { repo, now: context.clock.now(), sources });
  const expired = [...commits.values()].filter(({ id }) => !kept.has(id));
  for (let from = 0; !dryRun && from < expired.length; from += BATCH) {
    await pace.step();
    const batch = expired.slice(from, from + BATCH);
    const gone = new Set(batch.map(({ id }) => id));
    // Newest first: whoever had one of these for a parent is cut off, or gone already.
    const cut = [...commits.values()]
      .filter((commit) => kept.has(commit.id) && isCut(commit, gone))
      .map((commit) => cutOff(commit, gone));
    for (const record of cut) {
      commits.set(record.id, record);
    }
    const jobs = await jobsOf(context, repo, batch);
    await removeBatch(context, { repo, ground: from === 0 ? ground : undefined, batch, cut, jobs });
  }
  // Datum results of a job go with its output; the newest hold those of all jobs.
  const meta = repo.kind === 'user' ? state.repos.get(metaRepo(repo.key)) : undefined;
  if (meta && expired.length > 0) {
    await retainRepo(context, { ...work, repo: { ...meta, keep: NOTHING_MORE }, also: kept });
  }
  return new Set(expired.map(({ id }) => id));
}

/**
 * Returns the commits that stay: of each branch its head, and those that the setting names; what a tag names; open ones
 * and what they stand on; what others were made from; and of a failed one the last good one, whose files its children have.
 */
export function retainedIds(
  { commits, heads, tags }: Line,
  options: {
    readonly repo: Pick<RepoRecord, 'key' | 'keep'>;
    readonly now: number;
    /** Commit keys that commits of other repos were made from. */
    readonly sources: ReadonlySet<string>;
  },
): Set<string> {
  const { repo, now, sources } = options;
  const { last = null, forMs = null } = repo.keep ?? {};
  const kept = new Set<string>();
  /** Keeps a commit, and of a failed or open one all up to the last good one. */
  const keep = (id: string | null | undefined): void => {
    for (let commit = commits.get(id ?? ''); commit; commit = commits.get(commit.parent ?? '')) {
      kept.add(commit.id);
      if (commit.finished !== null && commit.error === null) {
        return;
      }
    }
  };
  for (const commit of commits.values()) {
    const isYoung = commit.finished !== null && forMs !== null && now - commit.finished <= forMs;
    if (commit.finished === null || isYoung || sources.has(commitKey(repo.key, commit.id))) {
      keep(commit.id);
      keep(commit.finished === null ? commit.parent : undefined);
    }
  }
  for (const tag of tags) {
    keep(tag);
  }
  for (const head of heads) {
    keep(head);
    let commit = commits.get(head ?? '');
    for (let left = last ?? 0; commit && left > 0; commit = commits.get(commit.parent ?? '')) {
      keep(commit.id);
      left -= commit.finished === null ? 0 : 1;
    }
  }
  return kept;
}

/** Returns the keys of all commits that commits of other repos were made from. */
async function sourcesOfOthers(context: PfsContext, pace: Pace): Promise<Set<string>> {
  const sources = new Set<string>();
  for (const { key } of [...context.journal.state.repos.values()]) {
    for await (const commit of listCommits(context, key)) {
      await pace.step();
      for (const link of commit.provenance) {
        sources.add(commitKey(link.repo, link.commit));
      }
    }
  }
  return sources;
}

/** Returns the jobs that made output commits, but for the pipeline's last. */
async function jobsOf(
  context: PfsContext,
  repo: RepoRecord,
  commits: readonly CommitRecord[],
): Promise<JobRecord[]> {
  const { state } = context.journal;
  const pipeline = state.pipelines.get(repo.key);
  const jobs: JobRecord[] = [];
  for (const { id } of pipeline ? commits : []) {
    const job =
      state.jobs.get(jobKey(repo.key, id)) ??
      (await context.history<JobRecord>(jobHistoryKey(pipeline?.id ?? '', id)));
    if (job && isTerminal(job.state) && pipeline?.lastJob?.id !== id) {
      jobs.push(job);
    }
  }
  return jobs;
}

async function removeBatch(
  context: PfsContext,
  work: {
    readonly repo: RepoRecord;
    /** What must be as it was when it was worked out what goes; undefined: nobody but us has changed it since. */
    readonly ground: string | undefined;
    readonly batch: readonly CommitRecord[];
    /** Those whose parents go, as they are afterwards. */
    readonly cut: readonly CommitRecord[];
    readonly jobs: readonly JobRecord[];
  },
): Promise<void> {
  const { repo, ground, batch, cut, jobs } = work;
  await context.journal.transact((state) => {
    demand(ground === undefined || groundOf(state, repo.key) === ground);
    demand(!isNeeded(state, repo.key, new Set(batch.map(({ id }) => commitKey(repo.key, id)))));
    const { lastJob = null } = state.pipelines.get(repo.key) ?? {};
    const operations: Operation[] = [
      ...cut.map((commit) => ({ kind: 'commit.rewritten' as const, commit })),
      ...batch.map((commit) => ({
        kind: 'commit.removed' as const,
        repo: repo.key,
        commit: commit.id,
        ...(repo.kind === 'user' ? { was: commit } : {}),
      })),
      ...jobs.map(({ pipeline, id, state: last }) => ({
        kind: 'job.removed' as const,
        pipeline,
        job: id,
        state: last,
        lastJob,
      })),
    ];
    return { operations, result: null };
  }, ACTOR);
}

/** Returns whether a branch, a tag or a commit that the state has points at one of these commits. */
function isNeeded(state: State, repo: RepoKey, gone: ReadonlySet<string>): boolean {
  const ids = (id: string | null | undefined) => id != null && gone.has(commitKey(repo, id));
  for (const key of state.branches.keysBy('repo', repo)) {
    if (ids(state.branches.get(key)?.head)) {
      return true;
    }
  }
  for (const key of state.tags.keysBy('repo', repo)) {
    if (ids(state.tags.get(key)?.commit)) {
      return true;
    }
  }
  for (const key of state.commits.keysBy('open', 'open')) {
    const commit = state.commits.get(key);
    const reads = commit?.provenance.some((link) => gone.has(commitKey(link.repo, link.commit)));
    if (reads || (commit?.repo === repo && (ids(commit.parent) || ids(commit.merged)))) {
      return true;
    }
  }
  return false;
}

/** Says whether commits of a repo came or went: a new one always moves a branch. */
function groundOf(state: State, repo: RepoKey): string {
  const heads = [...state.branches.keysBy('repo', repo)].map(
    (key) => `${key}=${state.branches.get(key)?.head ?? ''}`,
  );
  return [historyOf(state, repo), ...heads].join(' ');
}

function isCut(commit: CommitRecord, gone: ReadonlySet<string>): boolean {
  return gone.has(commit.parent ?? '') || gone.has(commit.merged ?? '');
}

function cutOff(commit: CommitRecord, gone: ReadonlySet<string>): CommitRecord {
  const { merged, ...rest } = commit;
  const parent = gone.has(commit.parent ?? '') ? null : commit.parent;
  return { ...rest, parent, ...(merged === undefined || gone.has(merged) ? {} : { merged }) };
}
