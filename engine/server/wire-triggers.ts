// The schemas of triggers, by which a branch follows another one of its repo by itself, and of schedules.

import { Type } from '@sinclair/typebox';
import { named, nullable, type Wire } from './wire-schema.ts';

export const Trigger = named(
  'Trigger',
  Type.Object(
    {
      branch: Type.String({ description: 'The branch that is followed.' }),
      all: Type.Boolean({ description: 'All conditions must hold, rather than any.' }),
      size: nullable(Type.Integer(), {
        description: 'Bytes by which the followed branch must be larger.',
      }),
      commits: nullable(Type.Integer(), { description: 'Commits by which it must be ahead.' }),
      rateLimit: nullable(Type.String(), {
        description:
          'A schedule of which a time must have passed since the commit that the branch is at.',
      }),
      cron: nullable(Type.String(), { description: 'A schedule at whose times the branch moves.' }),
    },
    {
      description:
        'When a branch moves to the commit that the branch it follows has come to. Null: no such condition.',
    },
  ),
);
export type Trigger = Wire<typeof Trigger>;

export const PutTrigger = named(
  'PutTrigger',
  Type.Object(
    {
      branch: Type.Optional(Type.String({ description: 'Default: master.' })),
      all: Type.Optional(Type.Boolean()),
      size: Type.Optional(
        Type.String({ description: 'A number of bytes, as in `100M` or `1Gi`.' }),
      ),
      commits: Type.Optional(Type.Integer()),
      rateLimit: Type.Optional(Type.String()),
      cron: Type.Optional(Type.String()),
    },
    { description: 'A trigger as a client asks for it: at least one condition, and `cron` alone.' },
  ),
);
export type PutTrigger = Wire<typeof PutTrigger>;

export const CronTimes = named(
  'CronTimes',
  Type.Object(
    {
      input: Type.String({ description: 'Name of the input.' }),
      schedule: Type.String(),
      next: nullable(Type.String(), {
        description:
          'The next time of the schedule; null where there is none, or the pipeline is stopped.',
      }),
    },
    { description: 'A cron input of a pipeline.' },
  ),
);
export type CronTimes = Wire<typeof CronTimes>;
