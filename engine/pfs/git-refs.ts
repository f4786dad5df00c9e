// What a repo's branches and tags are to Git: names of Git commits.

import type { RepoKey } from '../journal/records.ts';
import { listCommits } from './commit-list.ts';
import { getCommit, lastGood, resolveRepo } from './commit-lookup.ts';
import type { PfsContext } from './context.ts';
import { IdSet } from './id-set.ts';
import type { Cut } from './reachable.ts';
import { tagsOf } from './tags.ts';

/** The refs of a repo as Git sees them: Git commits by name, in the order of names. */
export interface GitRefs {
  /** A branch shows its last good commit; one that has none is left out. */
  readonly branches: ReadonlyMap<string, string>;
  readonly tags: ReadonlyMap<string, string>;
  /** The branch that a clone checks out; it may not be there yet. */
  readonly main: string;
}

/** Returns the refs of a repo; `not_found` where there is no such repo. */
export async function gitRefs(context: PfsContext, repo: RepoKey): Promise<GitRefs> {
  resolveRepo(context, repo);
  const { state } = context.journal;
  const branches = new Map<string, string>();
  for (const key of state.branches.keysBy('repo', repo)) {
    const branch = state.branches.get(key);
    const commit = await lastGood(context, repo, branch?.head ?? null);
    if (branch && commit?.git) {
      branches.set(branch.name, commit.git);
    }
  }
  const tags = new Map<string, string>();
  for (const { name, commit } of tagsOf(state, repo)) {
    const { git } = await getCommit(context, repo, commit);
    if (git !== null) {
      tags.set(name, git);
    }
  }
  const [first] = branches.keys();
  return { branches, tags, main: branches.has('master') ? 'master' : (first ?? 'master') };
}

/** Returns what tells whether a Git commit is still one of the repo's; undefined where none was ever let go of. */
export async function isThereOf(
  context: PfsContext,
  repo: RepoKey,
): Promise<Cut['isThere'] | undefined> {
  if (resolveRepo(context, repo).reshaped === undefined) {
    return undefined;
  }
  const there = new IdSet();
  for await (const { git } of listCommits(context, repo)) {
    if (git !== null) {
      there.addHex(git);
    }
  }
  return (commit) => there.hasHex(commit);
}
