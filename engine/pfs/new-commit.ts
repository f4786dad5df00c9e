// The record of a commit as it is started.

import type { CommitOrigin, CommitRecord, RepoKey } from '../journal/records.ts';

/** What is known of a commit when it is started. */
export interface NewCommitFacts {
  readonly repo: RepoKey;
  readonly id: string;
  readonly branch: string;
  /** In milliseconds since the Unix epoch. */
  readonly time: number;
  readonly origin: CommitOrigin;
  /** Who makes it, where a user does. */
  readonly by?: string;
  readonly description?: string;
  /** The commit before it and, of a merge, the head of what was merged; of more only the depth counts. None: it is the first. */
  readonly parents?: readonly Pick<CommitRecord, 'id' | 'depth'>[];
  /** The tree that it begins with; null, the empty one, where not named. */
  readonly tree?: string | null;
}

/** Returns the record of a commit in which nothing has happened yet. */
export function newCommit(facts: NewCommitFacts): CommitRecord {
  const { repo, id, branch, time, origin, by, description = '', parents = [], tree = null } = facts;
  const [parent, merged] = parents;
  return {
    repo,
    id,
    branch,
    parent: parent?.id ?? null,
    ...(merged ? { merged: merged.id } : {}),
    depth: Math.max(-1, ...parents.map(({ depth }) => depth)) + 1,
    origin,
    ...(by === undefined ? {} : { by }),
    description,
    started: time,
    finished: null,
    error: null,
    provenance: [],
    tree,
    git: null,
    size: 0,
    files: 0,
    edits: [],
    pipeline: null,
    image: null,
  };
}
