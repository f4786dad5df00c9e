// What a change causes: the commits of all branches downstream, and the jobs that will make them, in the same
// transaction as the change itself.

import type { Draft } from '../journal/compose.ts';
import type { BranchRecord, BranchRef, CommitRecord, ProvenanceLink } from '../journal/records.ts';
import { branchKey, commitKey, type JobRecord } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { newCommit } from './new-commit.ts';
import { type Arrival, fireTriggers } from './triggers.ts';

export interface Cause {
  /** The id that every commit made here shares. */
  readonly set: string;
  /** In milliseconds since the Unix epoch. */
  readonly time: number;
  /** By their keys, the branches whose commits are made from what an earlier one was, whatever their inputs have come to. */
  readonly again?: ReadonlyMap<string, Again> | undefined;
}

/** A commit that is made once more. */
export interface Again {
  readonly provenance: readonly ProvenanceLink[];
  /** Id of the job that is retried. */
  readonly job: string;
}

/**
 * Returns the commit of a branch that readers downstream get: its head, or below it the newest one that a user is
 * not still writing. A commit the engine is making counts: it will finish by itself.
 */
export function settledHead(state: State, ref: BranchRef): string | null {
  let id = state.branches.get(branchKey(ref.repo, ref.branch))?.head ?? null;
  while (id !== null) {
    const commit = state.commits.get(commitKey(ref.repo, id));
    if (commit === undefined || commit.finished !== null || commit.origin === 'auto') {
      return id;
    }
    id = commit.parent;
  }
  return null;
}

/** Moves what follows branches that have come to commits, and starts a commit on every branch downstream of all these. */
export function propagate(draft: Draft, arrivals: readonly Arrival[], cause: Cause): void {
  const changed = [...arrivals.map(({ ref }) => ref), ...fireTriggers(draft, arrivals)];
  startCommits(draft, readersOfBranches(draft.state, changed), cause);
}

/**
 * As {@link propagate}, for a commit that the engine has made: what is downstream of its own branch was started with it, and
 * only what follows that branch is news. Where the commit's set has a commit already on some branch that is to get one,
 * `newSet` names another.
 */
export function propagateOutput(
  draft: Draft,
  arrival: Arrival,
  cause: { readonly time: number; readonly newSet: () => string },
): void {
  const { state } = draft;
  const seeds = readersOfBranches(state, fireTriggers(draft, [arrival]));
  const isTaken = inOrder(state, seeds).some(({ repo }) =>
    state.commits.has(commitKey(repo, arrival.commit)),
  );
  const set = isTaken ? cause.newSet() : arrival.commit;
  startCommits(draft, seeds, { set, time: cause.time });
}

/** Returns the branches on which commits of one of `sources` cause commits, in the order of their keys. */
export function readersOfBranches(state: State, sources: readonly BranchRef[]): BranchRecord[] {
  const found = new Map<string, BranchRecord>();
  for (const source of sources) {
    for (const { key, branch, never } of readersOf(state, branchKey(source.repo, source.branch))) {
      if (!never) {
        found.set(key, branch);
      }
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, branch]) => branch);
}

/** Makes a branch that is read, and does not exist or has no commit, begin with an empty one. */
export function emptyHead(draft: Draft, ref: BranchRef, cause: Cause): void {
  const { state } = draft;
  const { repo, branch } = ref;
  const { set: id, time } = cause;
  const old = state.branches.get(branchKey(repo, branch));
  const isMade = (old?.head ?? null) !== null || (old?.provenance.length ?? 0) > 0;
  if (isMade || !state.repos.has(repo) || state.commits.has(commitKey(repo, id))) {
    return;
  }
  draft.add({
    kind: 'branch.put',
    branch: { repo, name: branch, head: null, provenance: [], created: time, ...old },
  });
  const commit = newCommit({ repo, id, branch, time, origin: 'auto' });
  const nothing = { tree: null, git: null, size: 0, files: 0 };
  draft.add(
    { kind: 'commit.started', commit },
    { kind: 'commit.finished', repo, commit: id, time, ...nothing, error: null },
    { kind: 'branch.moved', repo, branch, head: id },
  );
}

/** Starts a commit on each of `seeds` and on every branch downstream of them. */
export function startCommits(draft: Draft, seeds: readonly BranchRecord[], cause: Cause): void {
  for (const branch of seeds.length === 0 ? [] : inOrder(draft.state, seeds)) {
    if (!draft.state.commits.has(commitKey(branch.repo, cause.set))) {
      startOutputCommit(draft, branch, cause);
    }
  }
}

/** A branch that is made from another. */
interface Reader {
  readonly key: string;
  readonly branch: BranchRecord;
  /** Commits on the other cause none on this one. */
  readonly never: boolean;
}

/** Returns the branches that are made from one, by the key of that. */
function readersOf(state: State, source: string): Reader[] {
  return [...state.branches.keysBy('source', source)].flatMap((key): Reader[] => {
    const branch = state.branches.get(key);
    const never = branch?.provenance.every(
      (of) => of.never || branchKey(of.repo, of.branch) !== source,
    );
    return branch ? [{ key, branch, never: never ?? false }] : [];
  });
}

/** Returns `seeds` and all that commits on them cause commits on, sources first: also those that are only read. */
function inOrder(state: State, seeds: readonly BranchRecord[]): BranchRecord[] {
  const known = new Map<string, Reader[]>();
  const readers = (key: string) => {
    const list = known.get(key) ?? readersOf(state, key);
    known.set(key, list);
    return list;
  };
  const caused = new Set<string>();
  const reach = (key: string) => {
    if (!caused.has(key)) {
      caused.add(key);
      for (const reader of readers(key)) {
        if (!reader.never) {
          reach(reader.key);
        }
      }
    }
  };
  const seen = new Set<string>();
  const order: BranchRecord[] = [];
  const visit = (key: string, branch: BranchRecord) => {
    if (caused.has(key) && !seen.has(key)) {
      seen.add(key);
      for (const reader of readers(key)) {
        visit(reader.key, reader.branch);
      }
      order.push(branch);
    }
  };
  for (const { repo, name } of seeds) {
    reach(branchKey(repo, name));
  }
  for (const branch of seeds) {
    visit(branchKey(branch.repo, branch.name), branch);
  }
  return order.reverse();
}

function startOutputCommit(draft: Draft, branch: BranchRecord, cause: Cause): void {
  const { state } = draft;
  const again = cause.again?.get(branchKey(branch.repo, branch.name));
  const heads = (): ProvenanceLink[] =>
    branch.provenance.flatMap((source): ProvenanceLink[] => {
      const commit = settledHead(state, source);
      return commit === null ? [] : [{ repo: source.repo, branch: source.branch, commit }];
    });
  const provenance = again?.provenance ?? heads();
  const parent =
    branch.head === null ? undefined : state.commits.get(commitKey(branch.repo, branch.head));
  const pipeline = state.pipelines.get(branch.repo.replace(/\.meta$/, ''));
  const commit: CommitRecord = {
    ...newCommit({
      repo: branch.repo,
      id: cause.set,
      branch: branch.name,
      time: cause.time,
      origin: 'auto',
      parents: branch.head === null ? [] : [{ id: branch.head, depth: parent?.depth ?? -1 }],
    }),
    provenance,
    pipeline: pipeline ? { name: pipeline.key, version: pipeline.version } : null,
  };
  draft.add(
    { kind: 'commit.started', commit },
    { kind: 'branch.moved', repo: branch.repo, branch: branch.name, head: cause.set },
  );
  if (pipeline && pipeline.key === branch.repo) {
    const job: JobRecord = {
      pipeline: pipeline.key,
      pipelineId: pipeline.id,
      id: cause.set,
      version: pipeline.version,
      salt: pipeline.salt,
      specCommit: pipeline.specCommit,
      state: 'created',
      reason: '',
      created: cause.time,
      started: null,
      finished: null,
      owner: null,
      restarts: 0,
      datums: { total: 0, processed: 0, skipped: 0, failed: 0, recovered: 0 },
      stats: { downloadBytes: 0, uploadBytes: 0, downloadMs: 0, processMs: 0, uploadMs: 0 },
      results: null,
      image: null,
      ...(again ? { retries: again.job } : {}),
    };
    draft.add({ kind: 'job.created', job });
  }
}
