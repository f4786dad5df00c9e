// What must stay: every Git object that something in the store names. Discovered from the store alone; a table of the state
// that nobody has thought of here stops the collection.

import { EngineError } from '../base/errors.ts';
import {
  type CommitRecord,
  commitKey,
  type Edit,
  type JobRecord,
  metaRepo,
  type RepoKey,
  specRepo,
  trashKey,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import type { Root } from './mark.ts';

/** Trash keys of what is about to be emptied out: it needs nothing. */
export type Gone = ReadonlySet<string>;

type Reach = (state: State, gone: Gone) => Iterable<Root>;

const nothing: Reach = () => [];

/** What the records of each table name. Branches and tags name commits, which have records of their own. */
const REACHES: Readonly<Record<string, Reach>> = {
  repos: nothing,
  projects: nothing,
  defaults: nothing,
  tags: nothing,
  branches: nothing,
  *commits(state) {
    for (const commit of state.commits.values()) {
      yield* rootsOfCommit(commit);
    }
  },
  pipelines: nothing,
  *jobs(state) {
    for (const job of state.jobs.values()) {
      yield* rootsOfJob(job);
    }
  },
  packs: nothing,
  // Requests are text: what they will store is stored when the transaction finishes.
  transactions: nothing,
  secrets: nothing,
  users: nothing,
  tokens: nothing,
  grants: nothing,
  *egress(state) {
    for (const { pipeline, job, trees } of state.egress.values()) {
      const owner = { repo: pipeline, commit: job };
      for (const id of trees) {
        yield* id === null ? [] : [{ id, of: `egress of ${shortRepo(pipeline)}`, owner }];
      }
    }
  },
  'removed-packs': nothing,
  *trash(state, gone) {
    for (const [key, record] of state.trash.entries()) {
      if (record.kind === 'commit' && !gone.has(key)) {
        yield* rootsOfCommit(record.commit);
      }
    }
  },
  *buried(state, gone) {
    for (const [key, commit] of state.buried.entries()) {
      const [repoId = ''] = key.split('/');
      if (!gone.has(trashKey({ kind: 'repo', repoId }))) {
        yield* rootsOfCommit(commit);
      }
    }
  },
  upkeep: nothing,
  forgotten: nothing,
};

/** Yields what the tables of a state name; rejects with `internal` when there is a table that nobody vouches for. */
export function* rootsOfState(state: State, gone: Gone): Iterable<Root> {
  for (const name of state.tables.keys()) {
    const reach = REACHES[name];
    if (!reach) {
      throw new EngineError(
        'internal',
        `Cannot collect: nobody knows which objects table "${name}" needs; nothing was removed`,
      );
    }
    yield* reach(state, gone);
  }
}

/**
 * Yields what the finished commits in history name, of all repos that exist or can be had back, and the results of jobs of
 * all pipelines.
 */
export async function* rootsOfHistory(context: PfsContext, gone: Gone): AsyncGenerator<Root> {
  const { state } = context.journal;
  const deleted = [...state.trash.entries()].flatMap(([key, record]) =>
    record.kind === 'repo' && !gone.has(key) ? [record.repo.id] : [],
  );
  const repos = [...[...state.repos.values()].map(({ id }) => id), ...deleted];
  for (const repo of repos) {
    yield* historyOfRepo(context, repo);
  }
  for (const { id } of [...state.pipelines.values()]) {
    yield* historyOfPipeline(context, id);
  }
}

/** Yields what a repo needs, and where a pipeline writes it the pipeline's specs, datum results and jobs too. */
export async function* rootsOfRepo(context: PfsContext, key: RepoKey): AsyncGenerator<Root> {
  const { state } = context.journal;
  for (const repo of [key, specRepo(key), metaRepo(key)]) {
    for (const commit of [...state.commits.keysBy('repo', repo)]) {
      const record = state.commits.get(commit);
      yield* record ? rootsOfCommit(record) : [];
    }
    const { id } = state.repos.get(repo) ?? {};
    yield* id === undefined ? [] : historyOfRepo(context, id);
  }
  for (const job of [...state.jobs.keysBy('pipeline', key)]) {
    const record = state.jobs.get(job);
    yield* record ? rootsOfJob(record) : [];
  }
  const { id } = state.pipelines.get(key) ?? {};
  yield* id === undefined ? [] : historyOfPipeline(context, id);
}

async function* historyOfPipeline(context: PfsContext, id: string): AsyncGenerator<Root> {
  for await (const [, job] of context.scanHistory<JobRecord>(`job/${id}/`)) {
    yield* rootsOfJob(job);
  }
}

/** Yields what the commits of a repo in history name. */
async function* historyOfRepo(context: PfsContext, repoId: string): AsyncGenerator<Root> {
  const { commits, repos } = context.journal.state;
  for await (const [, commit] of context.scanHistory<CommitRecord>(`commit/${repoId}/`)) {
    // The state knows better: what was rewritten since may stand in older runs as it was, and what that named be gone.
    const isNewer =
      repos.get(commit.repo)?.id === repoId && commits.has(commitKey(commit.repo, commit.id));
    yield* isNewer ? [] : rootsOfCommit(commit);
  }
}

/** Yields what a commit needs: its Git commit and tree, and while it is open what its edits bring. */
export function* rootsOfCommit(commit: CommitRecord): Iterable<Root> {
  const of = `commit ${shortRepo(commit.repo)}@${commit.id}`;
  const owner = { repo: commit.repo, commit: commit.id };
  for (const id of [commit.git, commit.tree, ...commit.edits.map(idOfEdit)]) {
    if (id) {
      yield { id, of, owner };
    }
  }
}

function idOfEdit(edit: Edit): string | null {
  switch (edit.kind) {
    case 'overlay':
    case 'extend':
      return edit.tree;
    case 'delete':
      return null;
    case 'set':
    case 'append':
      return edit.entry.id;
  }
}

function* rootsOfJob(job: JobRecord): Iterable<Root> {
  if (job.results !== null) {
    const owner = { repo: job.pipeline, commit: job.id };
    yield { id: job.results, of: `job ${shortRepo(job.pipeline)}@${job.id}`, owner };
  }
}
