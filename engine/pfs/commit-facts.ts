// Finding commits while a change is decided: in the state as it will be, else as facts out of history.

import { EngineError } from '../base/errors.ts';
import { isId } from '../base/ids.ts';
import {
  branchKey,
  type CommitRecord,
  commitKey,
  type RepoKey,
  tagKey,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { Change } from './change.ts';
import {
  getCommit,
  lastGood,
  noCommits,
  noSuchRef,
  parseRef,
  resolveCommit,
} from './commit-lookup.ts';
import { shortRepo } from './names.ts';
import { historyOf } from './settled.ts';

/** Returns the commit of a repo with this id; `not_found` when there is none. */
export function commitById(change: Change, repo: RepoKey, id: string): CommitRecord {
  const { context, state } = change;
  return (
    state.commits.get(commitKey(repo, id)) ??
    historyFact(change, `commit ${id}`, { repo, load: () => getCommit(context, repo, id) })
  );
}

/** Returns the commit that a ref means, as `resolveCommit` does, on the state as it will be. */
export function commitByRef(change: Change, repo: RepoKey, ref: string): CommitRecord {
  const { context, state } = change;
  const durable = (wanted: string) => {
    const load = () => resolveCommit(context, repo, wanted);
    const found = historyFact(change, `ref ${wanted}`, { repo, load });
    return state.commits.get(commitKey(repo, found.id)) ?? found;
  };
  const tag = state.tags.get(tagKey(repo, ref));
  if (tag && !state.branches.has(branchKey(repo, ref))) {
    return commitById(change, repo, tag.commit);
  }
  const { base, steps, nth } = parseRef(ref);
  // By id from here on: what stands under a name may be another commit than the one that will.
  const head = isId(base) ? base : headOf(state, repo, base);
  const commit = state.commits.get(commitKey(repo, head));
  if (commit && steps === 0 && nth === undefined) {
    return commit;
  }
  const suffix = ref.slice(base.length);
  if (head !== change.set || !commit?.parent) {
    return durable(head + suffix);
  }
  // Made here: nobody else knows it yet, but for what it was made from.
  const { parent } = commit;
  return steps === 1 ? commitByRef(change, repo, parent) : durable(parent + upFrom(steps, suffix));
}

function headOf(state: State, repo: RepoKey, name: string): string {
  const branch = state.branches.get(branchKey(repo, name));
  const head = branch ? branch.head : state.tags.get(tagKey(repo, name))?.commit;
  if (head === undefined) {
    throw noSuchRef(repo, name);
  }
  if (head === null) {
    throw noCommits(repo, name);
  }
  return head;
}

/** Returns the newest commit, from `id` upwards, whose files its children inherit: finished without error. */
export function goodCommit(
  change: Change,
  repo: RepoKey,
  id: string | null,
): CommitRecord | undefined {
  const { context, state } = change;
  for (let next = id; next !== null; ) {
    const from: string = next;
    const commit = state.commits.get(commitKey(repo, from));
    if (commit === undefined) {
      return historyFact(change, `good ${from}`, {
        repo,
        load: () => lastGood(context, repo, from),
      });
    }
    if (commit.finished !== null && commit.error === null) {
      return commit;
    }
    next = commit.parent;
  }
  return undefined;
}

function upFrom(steps: number, suffix: string): string {
  return steps === 0 ? suffix : `^${steps - 1}`;
}

/** Returns what `load` finds out about commits of a repo: it holds for as long as none is removed. */
export function historyFact<T>(
  change: Change,
  key: string,
  options: { readonly repo: RepoKey; readonly load: () => Promise<T> },
): T {
  const { context, facts, state } = change;
  const { repo, load } = options;
  const id = state.repos.get(repo)?.id;
  return facts.find(`${repo} ${historyOf(state, repo)} ${key}`, () => {
    if (context.journal.state.repos.get(repo)?.id !== id) {
      // Made, or made again, within the change: it has no past.
      throw new EngineError(
        'not_found',
        `Cannot find ${key} in repo "${shortRepo(repo)}": the repo is new`,
      );
    }
    return load();
  });
}
