// The state of a store as the journal needs to know it: how it starts, how it folds, what it lets go.

import { FORMAT } from '../object/format.ts';
import { apply } from './apply.ts';
import type { Definition, RetiredRecord } from './definition.ts';
import {
  commitHistoryKey,
  jobHistoryKey,
  jobSetHistoryKey,
  setHistoryKey,
} from './history-keys.ts';
import { isKnownOperation, type Operation } from './operations.ts';
import { commitKey, isTerminal } from './records.ts';
import { State } from './state.ts';

/** Returns the definition of the state for an engine that knows formats up to `format`. */
export function definitionFor(format: number): Definition<State, Operation> {
  return {
    empty: () => new State(),
    knows: (operation): operation is Operation =>
      isKnownOperation(operation) &&
      !(operation.kind === 'format.raised' && operation.format > format),
    apply,
    retire,
  };
}

/** The one definition of the engine's state. */
export const definition = definitionFor(FORMAT);

/**
 * Yields the commits and jobs that nothing alive points at: finished, no branch's head, no parent or source of an
 * open commit.
 */
function* retire(state: State): Iterable<RetiredRecord> {
  const needed = new Set<string>();
  for (const branch of state.branches.values()) {
    if (branch.head !== null) {
      needed.add(commitKey(branch.repo, branch.head));
    }
  }
  for (const key of state.commits.keysBy('open', 'open')) {
    const commit = state.commits.get(key);
    if (commit?.parent) {
      needed.add(commitKey(commit.repo, commit.parent));
    }
    for (const link of commit?.provenance ?? []) {
      needed.add(commitKey(link.repo, link.commit));
    }
  }
  for (const [key, commit] of state.commits.copy()) {
    const repo = state.repos.get(commit.repo);
    if (commit.finished === null || needed.has(key) || repo === undefined) {
      continue;
    }
    const drop = [{ table: 'commits', key }];
    yield { key: commitHistoryKey(repo.id, commit.id), value: commit, drop };
    yield { key: setHistoryKey(commit.id, repo.id), value: { repo: repo.key }, drop };
  }
  for (const [key, commit] of state.buried.copy()) {
    if (commit.finished !== null) {
      const [repoId = ''] = key.split('/');
      const drop = [{ table: 'buried', key }];
      yield { key: commitHistoryKey(repoId, commit.id), value: commit, drop };
      yield { key: setHistoryKey(commit.id, repoId), value: { repo: commit.repo }, drop };
    }
  }
  for (const [key, job] of state.jobs.copy()) {
    if (!isTerminal(job.state)) {
      continue;
    }
    const drop = [{ table: 'jobs', key }];
    yield { key: jobHistoryKey(job.pipelineId, job.id), value: job, drop };
    yield { key: jobSetHistoryKey(job.id, job.pipelineId), value: { repo: job.pipeline }, drop };
  }
}
