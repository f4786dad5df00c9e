// The repos that a pipeline keeps for inputs whose commits it makes itself: ticks of schedules, and commits of Git servers.

import type { PipelineRecord, RepoKey } from '../journal/records.ts';
import type { Change } from '../pfs/change.ts';
import { readersOf } from '../pfs/repos.ts';

/** Returns the repos of such inputs of a pipeline. */
export function ownRepos(pipeline: Pick<PipelineRecord, 'crons' | 'gits'>): readonly RepoKey[] {
  return [...(pipeline.crons ?? []), ...(pipeline.gits ?? [])].map(({ repo }) => repo);
}

/** Makes such a repo where it is missing. */
export function makeOwnRepo(change: Change, repo: RepoKey, description: string): void {
  if (!change.state.repos.has(repo)) {
    const id = change.context.ids.next();
    change.add({
      kind: 'repo.created',
      repo: { key: repo, id, kind: 'user', description, created: change.time },
    });
  }
}

/** Deletes those that are not kept. One that somebody else reads stays, unless forced. */
export function dropOwnRepos(
  change: Change,
  pipeline: PipelineRecord,
  options: { readonly kept: readonly RepoKey[]; readonly force: boolean },
): void {
  const { state } = change;
  const kept = new Set(options.kept);
  for (const repo of ownRepos(pipeline)) {
    const isRead = readersOf(state, repo).length > 0;
    if (kept.has(repo) || !state.repos.has(repo) || (isRead && !options.force)) {
      continue;
    }
    for (const branch of [...state.branches.values()]) {
      if (branch.provenance.some((source) => source.repo === repo)) {
        const provenance = branch.provenance.filter((source) => source.repo !== repo);
        change.add({ kind: 'branch.put', branch: { ...branch, provenance } });
      }
    }
    // Who may change the pipeline may do this, whoever made it.
    change.draft.add({ kind: 'repo.deleted', repo });
  }
}
