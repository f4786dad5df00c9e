// The schemas of repos and branches.

import { Type } from '@sinclair/typebox';
import { named, nullable, oneOf, type Wire } from './wire-schema.ts';
import { PutTrigger, Trigger } from './wire-triggers.ts';

export const RepoName = named(
  'RepoName',
  Type.Object({ project: Type.String(), name: Type.String() }),
);
export type RepoName = Wire<typeof RepoName>;

export const CreateRepo = named(
  'CreateRepo',
  Type.Object({ ...RepoName.properties, description: Type.Optional(Type.String()) }),
);
export type CreateRepo = Wire<typeof CreateRepo>;

export const Repo = named(
  'Repo',
  Type.Object({
    ...RepoName.properties,
    type: oneOf(['user', 'spec', 'meta']),
    description: Type.String(),
    created: Type.String(),
    size: Type.Integer({ description: 'Size of the head of `master`.' }),
    branches: Type.Array(Type.String()),
    output: Type.Boolean({ description: 'True where a pipeline writes this repo.' }),
    keep: nullable(
      Type.Object({ last: nullable(Type.Integer()), forMs: nullable(Type.Number()) }),
      { description: 'Which commits stay; null: all.' },
    ),
  }),
);
export type Repo = Wire<typeof Repo>;

export const BranchName = named('BranchName', Type.Object({ repo: RepoName, name: Type.String() }));
export type BranchName = Wire<typeof BranchName>;

export const PutBranch = named(
  'PutBranch',
  Type.Object({
    head: Type.Optional(
      Type.String({
        description:
          'Any ref of the same repo; absent: an existing branch stays, a new one starts empty.',
      }),
    ),
    trigger: Type.Optional(
      nullable(PutTrigger, {
        description: 'Absent: stays as it is; null: it follows no branch any more.',
      }),
    ),
  }),
);
export type PutBranch = Wire<typeof PutBranch>;

export const Branch = named(
  'Branch',
  Type.Object({
    ...BranchName.properties,
    head: nullable(Type.String()),
    provenance: Type.Array(BranchName),
    created: Type.String(),
    trigger: nullable(Trigger),
  }),
);
export type Branch = Wire<typeof Branch>;
