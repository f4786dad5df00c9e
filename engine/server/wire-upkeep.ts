// The schemas of the growth of a store: collection, the trash, retention, usage. Spans of time are milliseconds.

import { Type } from '@sinclair/typebox';
import { RepoName } from './wire-repos.ts';
import { described, named, nullable, oneOf, type Wire, whole } from './wire-schema.ts';

export const Trashed = named(
  'Trashed',
  Type.Object(
    {
      kind: oneOf(['repo', 'branch', 'commit']),
      repo: RepoName,
      name: nullable(Type.String(), {
        description: 'The branch, or the id of the commit; of a repo null.',
      }),
      deleted: Type.String(),
    },
    { description: 'Something that was deleted and can be had back.' },
  ),
);
export type Trashed = Wire<typeof Trashed>;

export const Retention = named(
  'Retention',
  Type.Object(
    {
      last: nullable(whole(1), { description: 'The newest so many of each branch.' }),
      forMs: nullable(whole(0), {
        description: 'Those that finished within so many milliseconds.',
      }),
    },
    { description: 'Which commits of a repo stay: one that either says is enough.' },
  ),
);
export type Retention = Wire<typeof Retention>;

export const Usage = named(
  'Usage',
  Type.Object({
    commits: Type.Integer(),
    logical: Type.Integer({ description: 'Sizes of all its commits, each as if it stood alone.' }),
    unique: Type.Integer({ description: 'Stored bytes that go when it goes.' }),
    shared: Type.Integer({ description: 'Stored bytes that others need too.' }),
  }),
);
export type Usage = Wire<typeof Usage>;

export const RepoUsage = named('RepoUsage', Type.Object({ ...Usage.properties, repo: RepoName }));
export type RepoUsage = Wire<typeof RepoUsage>;

export const Amount = named(
  'Amount',
  Type.Object(
    { count: Type.Integer(), bytes: Type.Integer() },
    { description: 'Some packs, or other objects of the store, and their bytes.' },
  ),
);
export type Amount = Wire<typeof Amount>;

export const KeptPacks = named(
  'KeptPacks',
  Type.Object(
    { ...Amount.properties, garbage: Type.Integer() },
    { description: 'Why packs stay as they are, and how many of their bytes nothing reaches.' },
  ),
);
export type KeptPacks = Wire<typeof KeptPacks>;

export const Collection = named(
  'Collection',
  Type.Object({
    dryRun: Type.Boolean(),
    graceMs: Type.Number({ description: 'The grace period, in milliseconds.' }),
    live: described(Amount, 'Objects and bytes that are reached, of all live packs.'),
    dead: described(
      Amount,
      'Packs that nothing reaches: out of use now, deleted when the grace period has passed.',
    ),
    sparse: described(
      Amount,
      'Packs of which less than half is reached, and what of them was written anew.',
    ),
    rewritten: Amount,
    full: described(KeptPacks, 'Packs that stay since at least half of each is reached.'),
    young: described(
      KeptPacks,
      'Packs that stay since a transaction has used them within the grace period.',
    ),
    busy: described(
      Amount,
      'Packs that were used by somebody while the collection ran, and stay therefore.',
    ),
    deleted: described(
      Amount,
      'Packs taken out of use at least a grace period ago: their objects are deleted.',
    ),
    waiting: described(Amount, 'Packs out of use for less than that.'),
    orphans: described(
      Amount,
      'Objects of uploads that never became part of anything, and other leftovers: deleted.',
    ),
    logs: described(Amount, 'Segments of logs of jobs that were deleted.'),
    pages: described(Amount, 'Pages of history that others have taken the place of: deleted.'),
    expired: Type.Integer({
      description: "Commits that the settings of their repos don't keep: in the trash now.",
    }),
    results: Type.Integer({
      description: 'Datums of which the results went with the last job that had them.',
    }),
    emptied: Type.Integer({
      description:
        'What was deleted by users: out of reach of `undelete` now, and still within reach.',
    }),
    trash: Type.Integer(),
  }),
);
export type Collection = Wire<typeof Collection>;
