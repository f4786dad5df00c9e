// The operations of jobs, datums and logs.

import { Type } from '@sinclair/typebox';
import { DATUM_STATES, JOB_STATES } from '../../journal/states.ts';
import { Datum, Job, LogLine, RestartedDatums } from '../wire-jobs.ts';
import { page } from '../wire-schema.ts';
import { flag, operations, PAGED, query, states, text } from './operation.ts';

const WANTED = {
  project: text('Of this project; that of `pipeline` is `default` where it is left out.'),
  pipeline: text('Of this pipeline.'),
  state: states(JOB_STATES),
  version: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Of this version of the pipeline.' }),
  ),
  input: text('Only those that have read these commits: `project/repo@commit`, with commas.'),
  since: text('Only those made since this time.'),
};

export const JOB_OPERATIONS = operations({
  'GET /jobs': {
    id: 'listJobs',
    tag: 'jobs',
    summary: 'Lists jobs, newest first.',
    query: query({ ...WANTED, ...PAGED }),
    answer: page(Job),
    example: { query: { pipeline: 'edges', state: 'success' } },
  },
  'GET /jobs/subscribe': {
    id: 'subscribeJobs',
    tag: 'jobs',
    summary: 'Sends a job whenever the state of one changes. It does not end.',
    query: query({ ...WANTED, new: flag('Without those that are under way.') }),
    lines: Job,
    example: { query: { pipeline: 'slow' } },
  },
  'GET /job-sets/{id}': {
    id: 'listJobSet',
    tag: 'jobs',
    summary: 'Lists the jobs of a commit set.',
    query: query(PAGED),
    answer: page(Job),
    example: {},
  },
  'GET /pipelines/{project}/{pipeline}/jobs/{id}': {
    id: 'getJob',
    tag: 'jobs',
    summary: 'Returns a job, with the first datums that failed and the workers it has.',
    answer: Job,
    example: {},
  },
  'POST /pipelines/{project}/{pipeline}/jobs/{id}/restart': {
    id: 'restartDatums',
    tag: 'jobs',
    summary: 'Lets datums that are at work begin again.',
    body: Type.Object({
      datums: Type.Optional(
        Type.Array(Type.String(), {
          description:
            'Beginnings of ids, or paths with a leading slash; all that are at work where it is left out.',
        }),
      ),
    }),
    answer: RestartedDatums,
    example: { params: { pipeline: 'slow', id: 'the job of slow' }, body: {} },
  },
  'POST /pipelines/{project}/{pipeline}/jobs/{id}/retry': {
    id: 'retryJob',
    tag: 'jobs',
    summary: 'Runs what failed in a job again, on what it read, and returns the new job.',
    inTransaction: true,
    answer: Job,
    example: { params: { pipeline: 'failing', id: 'the job of failing' } },
  },
  'POST /pipelines/{project}/{pipeline}/jobs/{id}/stop': {
    id: 'stopJob',
    tag: 'jobs',
    summary: 'Stops a job.',
    inTransaction: true,
    answer: Job,
    example: { params: { pipeline: 'slow', id: 'the job of slow' } },
  },
  'GET /pipelines/{project}/{pipeline}/jobs/{id}/wait': {
    id: 'waitJob',
    tag: 'jobs',
    summary: 'Sends a job whenever it changes, and ends when it is done, or served.',
    lines: Job,
    example: {},
  },
  'GET /pipelines/{project}/{pipeline}/jobs/{id}/datums': {
    id: 'listDatums',
    tag: 'jobs',
    summary: 'Lists the datums of a job.',
    query: query({ state: states(DATUM_STATES), ...PAGED }),
    answer: page(Datum),
    example: { query: { limit: 10 } },
  },
  'GET /pipelines/{project}/{pipeline}/jobs/{id}/datums/{datum}': {
    id: 'getDatum',
    tag: 'jobs',
    summary: 'Returns a datum, by the beginning of its id.',
    answer: Datum,
    example: {},
  },
  'GET /logs': {
    id: 'readLogs',
    tag: 'jobs',
    summary: 'Sends what commands printed, oldest first. A pipeline or a job has to be named.',
    query: query({
      project: text('Of the pipeline; `default` where it is left out.'),
      pipeline: text('Of its newest job, where no job is named.'),
      job: text('The id of a commit set.'),
      datum: text('The beginning of an id.'),
      path: text('Of datums that read it: a glob, perhaps after a repo and a colon.'),
      since: text('A time.'),
      until: text('A time.'),
      text: text('Only lines that hold it.'),
      follow: flag('Goes on until the jobs end.'),
      tail: Type.Optional(Type.Integer({ minimum: 0, description: 'Only so many last lines.' })),
    }),
    lines: LogLine,
    example: { query: { pipeline: 'edges', tail: 10 } },
  },
});
