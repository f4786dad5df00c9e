// The schemas of defaults: parts of specs that a cluster or a project gives to every pipeline that does not say otherwise.

import { Type } from '@sinclair/typebox';
import { named, nullable, record, type Wire } from './wire-schema.ts';

export const Defaults = named(
  'Defaults',
  Type.Object({
    project: nullable(Type.String(), { description: 'Null: of the cluster.' }),
    value: record(Type.Unknown(), {
      description: 'Fields of a spec, with the names of the schema.',
    }),
    text: Type.String({ description: 'As their author wrote them.' }),
    updated: nullable(Type.String(), { description: 'Null where there are none.' }),
  }),
);
export type Defaults = Wire<typeof Defaults>;

export const DefaultsChange = named(
  'DefaultsChange',
  Type.Object({
    defaults: nullable(Defaults, { description: 'Null where they were deleted.' }),
    affected: Type.Array(Type.Object({ project: Type.String(), name: Type.String() }), {
      description: 'Pipelines whose specs differ from what they would be with these defaults.',
    }),
    regenerated: Type.Boolean({
      description: 'Whether those have been updated, or would have been.',
    }),
  }),
);
export type DefaultsChange = Wire<typeof DefaultsChange>;
