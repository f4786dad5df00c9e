// Finding commits: by id, by branch, by ancestry, through provenance; in the state or in history.

import { EngineError } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import { commitHistoryKey, setHistoryKey } from '../journal/history-keys.ts';
import {
  branchKey,
  type CommitRecord,
  commitKey,
  type RepoKey,
  type RepoRecord,
  tagKey,
} from '../journal/records.ts';
import type { PfsContext } from './context.ts';
import { shortRepo } from './names.ts';

/** Returns a repo's record; `not_found` when there is none. */
export function resolveRepo(context: PfsContext, repo: RepoKey): RepoRecord {
  const record = context.journal.state.repos.get(repo);
  if (record === undefined) {
    throw new EngineError('not_found', `Cannot find repo "${shortRepo(repo)}": it does not exist`);
  }
  return record;
}

/** Returns the commit of a repo with exactly this id, wherever it is kept, or undefined. */
export async function findCommit(
  context: PfsContext,
  repo: RepoKey,
  id: string,
): Promise<CommitRecord | undefined> {
  const alive = context.journal.state.commits.get(commitKey(repo, id));
  if (alive !== undefined) {
    return alive;
  }
  const { id: repoId } = resolveRepo(context, repo);
  return await context.history<CommitRecord>(commitHistoryKey(repoId, id));
}

/** As {@link findCommit}, but `not_found` when the repo has no such commit. */
export async function getCommit(
  context: PfsContext,
  repo: RepoKey,
  id: string,
): Promise<CommitRecord> {
  const commit = await findCommit(context, repo, id);
  if (commit === undefined) {
    throw new EngineError('not_found', `Cannot find commit ${id} in repo "${shortRepo(repo)}"`);
  }
  return commit;
}

/**
 * Returns the commit that a ref means: a branch, a tag, a commit id, or the id of a commit set that read the repo without
 * changing it; each optionally followed by `^`, `^N`, `~N` or `.N`. Rejects with `not_found` or `invalid`.
 */
export async function resolveCommit(
  context: PfsContext,
  repo: RepoKey,
  ref: string,
): Promise<CommitRecord> {
  const found = await findByRef(context, repo, ref);
  if (found === undefined) {
    throw noCommits(repo, ref);
  }
  return found;
}

/** The error for a name that is neither a branch nor a tag. */
export function noSuchRef(repo: RepoKey, name: string): EngineError {
  return new EngineError(
    'not_found',
    `Cannot find branch or tag "${name}" in repo "${shortRepo(repo)}"; pfs list-branch ${shortRepo(repo)} shows its branches, pfs list-tag its tags`,
  );
}

/** The error for a branch that nothing was committed to. */
export function noCommits(repo: RepoKey, branch: string): EngineError {
  return new EngineError(
    'not_found',
    `Cannot read branch "${branch}" of repo "${shortRepo(repo)}": it has no commits yet`,
  );
}

/** As {@link resolveCommit}, but undefined for a branch that exists and has no commits. */
export async function findByRef(
  context: PfsContext,
  repo: RepoKey,
  ref: string,
): Promise<CommitRecord | undefined> {
  resolveRepo(context, repo);
  // A tag may have a dot in its name, and is then no ancestor of anything.
  const tag = context.journal.state.tags.get(tagKey(repo, ref));
  if (tag !== undefined && !context.journal.state.branches.has(branchKey(repo, ref))) {
    return await getCommit(context, repo, tag.commit);
  }
  const { base, steps, nth } = parseRef(ref);
  let commit = await resolveBase(context, repo, base);
  if (commit === undefined) {
    return undefined;
  }
  const line = commit;
  let left = nth === undefined ? steps : (await lengthOfLine(context, line)) - nth;
  for (; left > 0 && left <= commit.depth && commit.parent !== null; left--) {
    commit = await getCommit(context, repo, commit.parent);
  }
  if (left !== 0) {
    const count = await lengthOfLine(context, line);
    throw new EngineError(
      'not_found',
      `Cannot find "${ref}" in repo "${shortRepo(repo)}": only ${count} ${count === 1 ? 'commit leads' : 'commits lead'} to "${base}"`,
    );
  }
  return commit;
}

/** Counts the commits from the first of a line to this one. */
async function lengthOfLine(context: PfsContext, commit: CommitRecord): Promise<number> {
  const { repo } = commit;
  if (resolveRepo(context, repo).reshaped === undefined) {
    return commit.depth + 1;
  }
  let count = 1;
  for (let at = commit; at.parent !== null; count += 1) {
    at = await getCommit(context, repo, at.parent);
  }
  return count;
}

/** A ref taken apart: so many steps up from `base`, or the `nth` commit that leads to it, counted from 1. */
export interface ParsedRef {
  readonly base: string;
  readonly steps: number;
  readonly nth: number | undefined;
}

/** Takes a ref apart; rejects with `invalid` when ancestry is written wrong. */
export function parseRef(ref: string): ParsedRef {
  const match = /^([a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)*?)((?:[\^~]\d*)*)(?:\.(\d+))?$/.exec(ref);
  const [, base, up, nth] = match ?? [];
  if (base === undefined || (up && nth !== undefined) || nth === '0') {
    throw new EngineError(
      'invalid',
      `Cannot read ref "${ref}": write a branch, tag or commit id, followed by ^, ^N or .N (N from 1) if you want another commit of its line`,
    );
  }
  const steps = [...(up ?? '').matchAll(/[\^~](\d*)/g)].reduce(
    (sum, [, count]) => sum + (count === '' ? 1 : Number(count)),
    0,
  );
  return { base, steps, nth: nth === undefined ? undefined : Number(nth) };
}

async function resolveBase(
  context: PfsContext,
  repo: RepoKey,
  base: string,
): Promise<CommitRecord | undefined> {
  if (isId(base)) {
    return (
      (await findCommit(context, repo, base)) ?? (await resolveThroughSet(context, repo, base))
    );
  }
  const { branches, tags } = context.journal.state;
  const branch = branches.get(branchKey(repo, base));
  if (branch === undefined) {
    const tag = tags.get(tagKey(repo, base));
    if (tag !== undefined) {
      return await getCommit(context, repo, tag.commit);
    }
    throw noSuchRef(repo, base);
  }
  return branch.head === null ? undefined : await getCommit(context, repo, branch.head);
}

/** Returns the commit of `repo` that the commits of set `id` were made from. */
async function resolveThroughSet(
  context: PfsContext,
  repo: RepoKey,
  id: string,
): Promise<CommitRecord> {
  const queue = await listSet(context, id);
  if (queue.length === 0) {
    throw new EngineError(
      'not_found',
      `Cannot find commit ${id}: neither repo "${shortRepo(repo)}" nor any commit set has it`,
    );
  }
  const seen = new Set<string>();
  for (let commit = queue.shift(); commit; commit = queue.shift()) {
    for (const link of commit.provenance) {
      const key = commitKey(link.repo, link.commit);
      if (link.repo === repo) {
        return await getCommit(context, repo, link.commit);
      }
      if (!seen.has(key) && context.journal.state.repos.has(link.repo)) {
        seen.add(key);
        const source = await findCommit(context, link.repo, link.commit);
        if (source) {
          queue.push(source);
        }
      }
    }
  }
  throw new EngineError(
    'not_found',
    `Cannot find repo "${shortRepo(repo)}" in commit set ${id}: nothing in the set was made from it`,
  );
}

/** Returns the commits of a set, in all repos, in no particular order; empty when there is no such set. */
export async function listSet(context: PfsContext, id: string): Promise<CommitRecord[]> {
  const { state } = context.journal;
  const commits = new Map<string, CommitRecord>();
  for (const key of state.commits.keysBy('set', id)) {
    const commit = state.commits.get(key);
    if (commit) {
      commits.set(key, commit);
    }
  }
  for await (const [, member] of context.scanHistory<{ repo: RepoKey }>(setHistoryKey(id, ''))) {
    const { repo } = member;
    if (!commits.has(commitKey(repo, id)) && state.repos.has(repo)) {
      const commit = await findCommit(context, repo, id);
      if (commit) {
        commits.set(commitKey(repo, id), commit);
      }
    }
  }
  return [...commits.values()];
}

/** Returns the newest commit, from `commit` upwards, whose files its children inherit: finished without error. */
export async function lastGood(
  context: PfsContext,
  repo: RepoKey,
  id: string | null,
): Promise<CommitRecord | undefined> {
  for (let next = id; next !== null; ) {
    const commit = await getCommit(context, repo, next);
    if (commit.finished !== null && commit.error === null) {
      return commit;
    }
    next = commit.parent;
  }
  return undefined;
}
