// The schemas of commits and commit sets.

import { Type } from '@sinclair/typebox';
import { BranchName, RepoName } from './wire-repos.ts';
import { named, nullable, oneOf, type Wire } from './wire-schema.ts';
import { CommitState, DatumCounts, Image, JobState } from './wire-states.ts';

export const CommitLink = named(
  'CommitLink',
  Type.Object(
    { ...BranchName.properties, commit: Type.String() },
    { description: 'Where the asker may not read it, the names are empty.' },
  ),
);
export type CommitLink = Wire<typeof CommitLink>;

export const StartCommit = named(
  'StartCommit',
  Type.Object({
    branch: Type.String(),
    parent: Type.Optional(
      Type.String({
        description: "Any ref of the same repo to start from instead of the branch's head.",
      }),
    ),
    description: Type.Optional(Type.String()),
  }),
);
export type StartCommit = Wire<typeof StartCommit>;

export const Commit = named(
  'Commit',
  Type.Object({
    repo: RepoName,
    type: oneOf(['user', 'spec', 'meta']),
    id: Type.String(),
    branch: Type.String(),
    parent: nullable(Type.String()),
    merged: nullable(Type.String(), { description: 'Second parent of a merge.' }),
    origin: oneOf(['user', 'auto']),
    by: nullable(Type.String(), {
      description: 'Who made it: a user, `local`, or `pipeline:` and its project and name.',
    }),
    description: Type.String(),
    state: CommitState,
    error: nullable(Type.String()),
    started: Type.String(),
    finished: nullable(Type.String()),
    size: Type.Integer(),
    files: Type.Integer(),
    provenance: Type.Array(CommitLink),
    pipeline: nullable(
      Type.Object({ project: Type.String(), name: Type.String(), version: Type.Integer() }),
      { description: 'What made an output commit.' },
    ),
    image: nullable(Image),
    git: Type.Object(
      { commit: nullable(Type.String()), tree: nullable(Type.String()) },
      { description: 'Git object ids of the commit and its tree, once finished.' },
    ),
    job: nullable(Type.Object({ state: JobState, datums: DatumCounts }), {
      description: 'The job that makes it, while and after it runs.',
    }),
  }),
);
export type Commit = Wire<typeof Commit>;

export const CommitSet = named(
  'CommitSet',
  Type.Object({
    id: Type.String(),
    commits: Type.Integer(),
    finished: Type.Integer(),
    failed: Type.Integer(),
    created: Type.String(),
    modified: Type.String(),
  }),
);
export type CommitSet = Wire<typeof CommitSet>;
