// Lists of commits and commit sets, newest first, a page at a time.

import { commitHistoryKey } from '../journal/history-keys.ts';
import { branchKey, type CommitRecord, commitKey, type RepoKey } from '../journal/records.ts';
import { findByRef, findCommit, getCommit, listSet, resolveRepo } from './commit-lookup.ts';
import type { PfsContext } from './context.ts';

/** Yields the ancestors of a ref, itself first, or of nothing where the branch is empty. */
export async function* walkCommits(
  context: PfsContext,
  repo: RepoKey,
  ref: string,
): AsyncGenerator<CommitRecord> {
  let commit = await findByRef(context, repo, ref);
  while (commit) {
    yield commit;
    commit = commit.parent === null ? undefined : await getCommit(context, repo, commit.parent);
  }
}

/** Yields the commits of a repo, newest id first: all of them, or those older than one by its id. */
export async function* listCommits(
  context: PfsContext,
  repo: RepoKey,
  { before }: { readonly before?: string | undefined } = {},
): AsyncGenerator<CommitRecord> {
  const { state } = context.journal;
  const record = resolveRepo(context, repo);
  const alive = [...state.commits.keysBy('repo', repo)]
    .flatMap((key) => state.commits.get(key) ?? [])
    .filter((commit) => before === undefined || commit.id < before)
    .sort((a, b) => (a.id < b.id ? 1 : -1));
  const from = before === undefined ? {} : { from: commitHistoryKey(record.id, before) };
  const retired = context
    .scanHistory<CommitRecord>(commitHistoryKey(record.id, ''), { reverse: true, ...from })
    [Symbol.asyncIterator]();
  let next = await retired.next();
  if (!next.done && next.value[1].id === before) {
    next = await retired.next();
  }
  for (const commit of alive) {
    while (!next.done && next.value[1].id > commit.id) {
      yield next.value[1];
      next = await retired.next();
    }
    // A record may be in both for a moment, and stays in both once it was recalled.
    if (!next.done && next.value[1].id === commit.id) {
      next = await retired.next();
    }
    yield commit;
  }
  for (; !next.done; next = await retired.next()) {
    yield next.value[1];
  }
}

/** Yields the ids of all commit sets, newest first. */
export async function* listSetIds(context: PfsContext): AsyncGenerator<string> {
  const { state } = context.journal;
  const ids = new Set<string>();
  for (const commit of state.commits.values()) {
    ids.add(commit.id);
  }
  const alive = [...ids].sort().reverse();
  let at = 0;
  let last = '';
  const repos = new Set([...state.repos.values()].map((repo) => repo.id));
  for await (const [key] of context.scanHistory('set/', { reverse: true })) {
    const [, id = '', repo = ''] = key.split('/');
    if (!repos.has(repo)) {
      // Of a repo that was deleted.
      continue;
    }
    for (; at < alive.length && (alive[at] ?? '') > id; at++) {
      yield alive[at] ?? '';
    }
    if (id !== last && !ids.has(id)) {
      yield id;
    }
    last = id;
  }
  for (; at < alive.length; at++) {
    yield alive[at] ?? '';
  }
}

/** Returns the commits of a set, each after what it was made from. */
export async function orderedSet(context: PfsContext, id: string): Promise<CommitRecord[]> {
  const commits = await listSet(context, id);
  const byKey = new Map(commits.map((commit) => [commitKey(commit.repo, commit.id), commit]));
  const order = new Set<CommitRecord>();
  const visit = (commit: CommitRecord) => {
    for (const link of commit.provenance) {
      const source = byKey.get(commitKey(link.repo, link.commit));
      if (source && source !== commit && !order.has(source)) {
        visit(source);
      }
    }
    order.add(commit);
  };
  for (const commit of commits.sort((a, b) => (a.repo < b.repo ? -1 : 1))) {
    visit(commit);
  }
  return [...order];
}

/**
 * Yields the finished commits of a branch, oldest first: those after `from`, or all, and then each new one as it
 * finishes. Ends when `signal` aborts.
 */
export async function* subscribeCommits(
  context: PfsContext,
  branch: { readonly repo: RepoKey; readonly branch: string },
  options: { readonly from?: string; readonly signal: AbortSignal },
): AsyncGenerator<CommitRecord> {
  const { repo } = branch;
  let last = options.from;
  for await (const _ of context.journal.changes(options.signal)) {
    const head = context.journal.state.branches.get(branchKey(repo, branch.branch))?.head;
    for (const id of await commitsSince(context, repo, { head: head ?? null, last })) {
      const commit = await findCommit(context, repo, id);
      if (commit === undefined || commit.finished === null) {
        break;
      }
      last = commit.id;
      yield commit;
    }
  }
}

/**
 * Returns the ids of the commits that lead to `head` and not to `last`, oldest first: none where the branch was moved
 * back. Ids only, since they may be all that a branch ever had.
 */
async function commitsSince(
  context: PfsContext,
  repo: RepoKey,
  range: { readonly head: string | null; readonly last: string | undefined },
): Promise<string[]> {
  const fresh: string[] = [];
  const find = async (id: string | null) =>
    id === null ? undefined : await findCommit(context, repo, id);
  let upper = await find(range.head);
  let lower = await find(range.last ?? null);
  // Where the last one was removed, ids tell what came after it: they are in the order of time.
  const floor = lower === undefined ? (range.last ?? '') : '';
  while (upper && upper.id !== lower?.id && upper.id > floor) {
    if (lower && lower.depth > upper.depth) {
      lower = await find(lower.parent);
    } else {
      fresh.push(upper.id);
      upper = await find(upper.parent);
    }
  }
  return fresh.reverse();
}
