// The operations of pipelines, their previews and their Git inputs.

import { Type } from '@sinclair/typebox';
import { PIPELINE_STATES } from '../../journal/states.ts';
import { GitInput } from '../wire-git-inputs.ts';
import { Pipeline, PipelineChange } from '../wire-pipelines.ts';
import { PipelinePreview, PlannedDatum, SpecValidation } from '../wire-previews.ts';
import { page } from '../wire-schema.ts';
import { EXAMPLE_SPEC } from './example-values.ts';
import { flag, operations, PAGED, query, states, text } from './operation.ts';

const SPEC = 'A spec, or several, in JSON or YAML.';
const OF_SPEC = {
  project: text('Of pipelines that name none.'),
  file: text('The name of the spec for messages.'),
};
const reprocess = flag('Makes all results anew.');

export const PIPELINE_OPERATIONS = operations({
  'POST /pipelines': {
    id: 'putPipelines',
    tag: 'pipelines',
    summary: 'Makes pipelines, or with `update` new versions of them.',
    inTransaction: true,
    query: query({
      ...OF_SPEC,
      update: flag('Changes those that are there.'),
      reprocess,
      'if-version': Type.Optional(
        Type.Integer({
          minimum: 0,
          description: 'Refuses where the newest version is another one.',
        }),
      ),
    }),
    text: SPEC,
    answer: Type.Array(PipelineChange),
    example: { body: EXAMPLE_SPEC },
  },
  'GET /pipelines': {
    id: 'listPipelines',
    tag: 'pipelines',
    summary: 'Lists pipelines.',
    query: query({
      project: text('Only of this project.'),
      state: states(PIPELINE_STATES),
      history: Type.Optional(
        Type.Union([Type.Integer({ minimum: 0 }), Type.String()], {
          description:
            'So many earlier versions of each, too, or `all`; `none` where it is left out.',
        }),
      ),
      ...PAGED,
    }),
    answer: page(Pipeline),
    example: { query: { project: 'default' } },
  },
  'GET /pipelines/{project}/{pipeline}': {
    id: 'getPipeline',
    tag: 'pipelines',
    summary: 'Returns a pipeline, or an earlier version of it.',
    query: query({
      version: Type.Optional(
        Type.Union([Type.Integer(), Type.String()], {
          description: 'A number, or `^N` for N before the newest.',
        }),
      ),
    }),
    answer: Pipeline,
    example: {},
  },
  'DELETE /pipelines/{project}/{pipeline}': {
    id: 'deletePipeline',
    tag: 'pipelines',
    summary: 'Deletes a pipeline, its results and its output repo.',
    inTransaction: true,
    query: query({
      force: flag('Also where others read its output.'),
      'keep-repo': flag('The output repo stays.'),
    }),
    status: 204,
    example: {},
  },
  'POST /pipelines/{project}/{pipeline}/start': {
    id: 'startPipeline',
    tag: 'pipelines',
    summary: 'Lets a stopped pipeline go on.',
    inTransaction: true,
    answer: Pipeline,
    example: { params: { pipeline: 'resting' } },
  },
  'POST /pipelines/{project}/{pipeline}/stop': {
    id: 'stopPipeline',
    tag: 'pipelines',
    summary: 'Stops a pipeline: it has no jobs until it is started.',
    inTransaction: true,
    answer: Pipeline,
    example: { params: { pipeline: 'idle' } },
  },
  'POST /pipelines/{project}/{pipeline}/tick': {
    id: 'tickPipeline',
    tag: 'pipelines',
    summary: 'Makes a tick of the cron inputs of a pipeline, now.',
    inTransaction: true,
    answer: Pipeline,
    example: { params: { pipeline: 'nightly' } },
  },
  'POST /pipelines/{project}/{pipeline}/rerun': {
    id: 'rerunPipeline',
    tag: 'pipelines',
    summary: 'Runs a job on the data as it is.',
    inTransaction: true,
    query: query({ reprocess }),
    answer: Pipeline,
    example: { query: { reprocess: true } },
  },
  'GET /pipelines/{project}/{pipeline}/gits': {
    id: 'listGitInputs',
    tag: 'pipelines',
    summary: 'Lists the Git inputs of a pipeline.',
    answer: Type.Array(GitInput),
    example: {},
  },
  'POST /pipelines/{project}/{pipeline}/gits/look': {
    id: 'lookAtGitInputs',
    tag: 'pipelines',
    summary: 'Looks at the servers of the Git inputs of a pipeline, now.',
    isOnce: false,
    answer: Type.Array(GitInput),
    example: { params: { pipeline: 'from-git' } },
  },
  'POST /hooks/git/{hook}': {
    id: 'pokeGitInput',
    tag: 'pipelines',
    summary: 'Has the server of a Git input looked at: the address for its webhooks.',
    description: 'It cannot be guessed, and whatever is sent is not read.',
    isOpen: true,
    isOnce: false,
    status: 202,
    example: { params: { hook: 'the hook of from-git' } },
  },
  'POST /previews': {
    id: 'previewPipelines',
    tag: 'pipelines',
    summary: 'Tells what a spec would do on the data as it is. Nothing is changed.',
    isOnce: false,
    query: query({ ...OF_SPEC, update: flag('As with `POST /pipelines`.'), reprocess }),
    text: SPEC,
    answer: Type.Array(PipelinePreview),
    example: { query: { update: true }, body: EXAMPLE_SPEC },
  },
  'POST /previews/datums': {
    id: 'previewDatums',
    tag: 'pipelines',
    summary: 'Sends the datums that a spec would have on the data as it is.',
    isOnce: false,
    query: query({ ...OF_SPEC, reprocess }),
    text: SPEC,
    lines: PlannedDatum,
    example: { body: EXAMPLE_SPEC },
  },
  'POST /validations': {
    id: 'validatePipelines',
    tag: 'pipelines',
    summary: 'Tells whether a spec is right and fits the repos and pipelines there are.',
    isOnce: false,
    query: query(OF_SPEC),
    text: SPEC,
    answer: Type.Array(SpecValidation),
    example: { body: EXAMPLE_SPEC },
  },
});
