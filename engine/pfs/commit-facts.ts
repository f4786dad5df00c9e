// Finding commits while a change is decided: in the state as it will be, else as facts out of history.

import { isId } from '../base/ids.ts';
import {
  branchKey,
  type CommitRecord,
  commitKey,
  type RepoKey,
  tagKey,
} from '../journal/records.ts';
import type { Change } from './change.ts';
import { getCommit, lastGood, parseRef, resolveCommit } from './commit-lookup.ts';
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
  if (state.tags.has(tagKey(repo, ref))) {
    return durable(ref);
  }
  const { base, steps, nth } = parseRef(ref);
  const head = isId(base) ? base : state.branches.get(branchKey(repo, base))?.head;
  if (!head) {
    return durable(ref);
  }
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
  const history = historyOf(change.state, options.repo);
  return change.facts.find(`${options.repo} ${history} ${key}`, options.load);
}
