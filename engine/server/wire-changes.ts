// The schemas of changes as they happen.

import { Type } from '@sinclair/typebox';
import { named, type Wire } from './wire-schema.ts';

const keys = (description: string) => Type.Array(Type.String(), { description });

export const Change = named(
  'Change',
  Type.Object(
    {
      seq: Type.Integer(),
      projects: keys('Names.'),
      repos: keys(
        '`project/name`: those of which anything changed, their branches, tags and commits included.',
      ),
      branches: keys('`project/name@branch`.'),
      tags: keys('`project/name@tag`.'),
      commits: keys('Ids, each of which commits of several repos may share.'),
      pipelines: keys('`project/name`: those of which anything changed, their jobs included.'),
      jobs: keys('`project/pipeline@id`.'),
      secrets: keys('Names.'),
      defaults: keys('`cluster`, or `project/<name>`.'),
      transactions: keys('Ids of transactions of users.'),
    },
    {
      description:
        'What one journal entry changed, made or deleted, by keys alone: a client reads what it shows of them again.',
    },
  ),
);
export type Change = Wire<typeof Change>;

export const Reset = named(
  'Reset',
  Type.Object(
    { seq: Type.Integer() },
    { description: 'Where the events go on after some were lost.' },
  ),
);
export type Reset = Wire<typeof Reset>;
