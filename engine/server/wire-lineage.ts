// The schema of provenance.

import { Type } from '@sinclair/typebox';
import { Commit } from './wire-commits.ts';
import { RepoName } from './wire-repos.ts';
import { named, nullable, reference, type Wire } from './wire-schema.ts';
import { Image } from './wire-states.ts';

const LineageFields = Type.Object({
  commit: Commit,
  path: nullable(Type.String(), {
    description:
      'The files and directories that take part, at most 100: empty for a whole commit, `path` null but for a single one.',
  }),
  paths: Type.Array(Type.String()),
  repeated: Type.Boolean({
    description: 'The same commit and paths stand before this one: `datums` and `next` are there.',
  }),
  datums: Type.Array(
    Type.Object({
      id: Type.String(),
      job: Type.String(),
      version: Type.Integer(),
      image: nullable(Image),
      secrets: Type.Optional(
        Type.Array(Type.String(), {
          description: '`name@version` of the secrets that it could see; absent for none.',
        }),
      ),
      inputs: Type.Array(
        Type.Object({
          name: Type.String(),
          repo: RepoName,
          commit: Type.String(),
          path: Type.String(),
        }),
      ),
    }),
    {
      description:
        'For an output: the datums that wrote it, and what they read. At most 100; `omitted` counts the rest.',
    },
  ),
  omitted: Type.Integer(),
});
export interface Lineage extends Wire<typeof LineageFields> {
  readonly next: readonly Lineage[];
}
export const Lineage = named(
  'Lineage',
  Type.Unsafe<Lineage>(
    Type.Object(
      {
        ...LineageFields.properties,
        next: Type.Array(reference<Lineage>('Lineage'), {
          description: 'Up: the commits it was made from. Down: the commits made from it.',
        }),
      },
      { description: 'A tree of where something came from (`up`) or what came of it (`down`).' },
    ),
  ),
);
