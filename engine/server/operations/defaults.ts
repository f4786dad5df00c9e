// The operations of defaults: parts of specs for pipelines that do not say otherwise.

import { Defaults, DefaultsChange } from '../wire-defaults.ts';
import { flag, operations, query, text } from './operation.ts';

const REGENERATION = {
  regenerate: flag('Updates the pipelines whose specs come out different.'),
  reprocess: flag('And makes their results anew.'),
  'dry-run': flag('Changes nothing.'),
};
const put = query({
  file: text('The name of the text for messages.'),
  create: flag('Refuses where there are some already.'),
  ...REGENERATION,
});
const TEXT = 'Fields of a spec, in JSON or YAML.';
const BODY = 'autoscaling: true\n';

export const DEFAULTS_OPERATIONS = operations({
  'GET /defaults/cluster': {
    id: 'getClusterDefaults',
    tag: 'pipelines',
    summary: 'Returns the defaults for all pipelines; empty where there are none.',
    answer: Defaults,
    example: {},
  },
  'PUT /defaults/cluster': {
    id: 'putClusterDefaults',
    tag: 'pipelines',
    summary: 'Sets the defaults for all pipelines.',
    inTransaction: true,
    query: put,
    text: TEXT,
    answer: DefaultsChange,
    example: { query: { regenerate: true }, body: BODY },
  },
  'DELETE /defaults/cluster': {
    id: 'deleteClusterDefaults',
    tag: 'pipelines',
    summary: 'Deletes the defaults for all pipelines.',
    inTransaction: true,
    query: query(REGENERATION),
    answer: DefaultsChange,
    example: {},
  },
  'GET /defaults/projects/{project}': {
    id: 'getProjectDefaults',
    tag: 'pipelines',
    summary: 'Returns the defaults for the pipelines of a project; empty where there are none.',
    answer: Defaults,
    example: {},
  },
  'PUT /defaults/projects/{project}': {
    id: 'putProjectDefaults',
    tag: 'pipelines',
    summary: 'Sets the defaults for the pipelines of a project.',
    inTransaction: true,
    query: put,
    text: TEXT,
    answer: DefaultsChange,
    example: { query: { 'dry-run': true }, body: BODY },
  },
  'DELETE /defaults/projects/{project}': {
    id: 'deleteProjectDefaults',
    tag: 'pipelines',
    summary: 'Deletes the defaults for the pipelines of a project.',
    inTransaction: true,
    query: query(REGENERATION),
    answer: DefaultsChange,
    example: {},
  },
});
