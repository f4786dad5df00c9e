// The schemas of tags, merges, removals and projects.

import { Type } from '@sinclair/typebox';
import { Commit, CommitLink } from './wire-commits.ts';
import { File } from './wire-files.ts';
import { RepoName } from './wire-repos.ts';
import { named, nullable, oneOf, type Wire } from './wire-schema.ts';

export const PutTag = named(
  'PutTag',
  Type.Object({
    head: Type.String({ description: 'Any ref of the same repo.' }),
    description: Type.Optional(Type.String()),
  }),
);
export type PutTag = Wire<typeof PutTag>;

export const Tag = named(
  'Tag',
  Type.Object({
    repo: RepoName,
    name: Type.String(),
    commit: Type.String(),
    description: Type.String(),
    created: Type.String(),
  }),
);
export type Tag = Wire<typeof Tag>;

export const RemovedSet = named(
  'RemovedSet',
  Type.Object(
    {
      id: Type.String(),
      commits: Type.Array(CommitLink, {
        description:
          'Each with the branch on which it was made; also those of sets that were made from it and went first.',
      }),
    },
    { description: 'What a removal took away.' },
  ),
);
export type RemovedSet = Wire<typeof RemovedSet>;

export const MergeBranch = named(
  'MergeBranch',
  Type.Object({
    source: Type.String({ description: 'What is brought in: any ref of the same repo.' }),
    favour: Type.Optional(
      oneOf(['ours', 'theirs'], {
        description:
          'Whose version stands where both changed a path; without it that is a conflict.',
      }),
    ),
    fastForward: Type.Optional(
      Type.Boolean({ description: 'False: makes a commit also where moving the branch would do.' }),
    ),
    description: Type.Optional(Type.String()),
  }),
);
export type MergeBranch = Wire<typeof MergeBranch>;

export const RevertCommit = named(
  'RevertCommit',
  Type.Object({
    branch: Type.Optional(
      Type.String({
        description:
          'Where to undo it; without it the branch that the ref names, or on which the commit was made.',
      }),
    ),
    description: Type.Optional(Type.String()),
  }),
);
export type RevertCommit = Wire<typeof RevertCommit>;

export const SideChange = named(
  'SideChange',
  oneOf(['added', 'changed', 'removed', 'directory'], {
    description:
      'What a side did with a path: `directory` where one stands there now and a file on the other side or before.',
  }),
);
export type SideChange = Wire<typeof SideChange>;

export const MergeResult = named(
  'MergeResult',
  Type.Object({
    outcome: oneOf(['merged', 'reverted', 'fast_forward', 'up_to_date', 'conflicts'], {
      description: '`conflicts`: nothing was changed.',
    }),
    commit: nullable(Commit, { description: 'What the branch shows now; null with conflicts.' }),
    conflicts: Type.Array(
      Type.Object({ path: Type.String(), ours: SideChange, theirs: SideChange }),
      { description: 'The paths that both sides changed, in order; at most 1,000.' },
    ),
    conflictCount: Type.Integer(),
  }),
);
export type MergeResult = Wire<typeof MergeResult>;

export const FoundCommit = named(
  'FoundCommit',
  Type.Object(
    {
      kind: oneOf(['added', 'changed', 'removed']),
      commit: Commit,
      file: nullable(File, { description: 'What stands there since; null where it was removed.' }),
    },
    { description: 'A commit that changed what stands at a path.' },
  ),
);
export type FoundCommit = Wire<typeof FoundCommit>;

export const CreateProject = named(
  'CreateProject',
  Type.Object({ name: Type.String(), description: Type.Optional(Type.String()) }),
);
export type CreateProject = Wire<typeof CreateProject>;

export const Project = named(
  'Project',
  Type.Object({
    name: Type.String(),
    description: Type.String(),
    created: nullable(Type.String(), {
      description: 'Null for the default project of an empty store.',
    }),
    repos: Type.Integer({
      description: 'How many repos that no pipeline writes, and how many pipelines are in it.',
    }),
    pipelines: Type.Integer(),
  }),
);
export type Project = Wire<typeof Project>;
