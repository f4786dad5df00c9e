// The steps of pipelines and jobs. User code is a function here: only the store is at stake.

import { makeRequested } from '../../engine/jobs/changes.ts';
import {
  deletePipeline,
  putPipelines,
  startPipeline,
  stopPipeline,
} from '../../engine/jobs/pipelines.ts';
import { deleteFiles } from '../../engine/pfs/change-files.ts';
import { TestEngine } from '../support/engine.ts';
import { ACTOR, createRepos, type Pfs, put, target } from '../support/pfs.ts';
import type { Steps } from './crash-version-steps.ts';

const COPY = 'default/copy';

/** Runs all jobs of a store to their ends, in an engine that opens it for that. */
export async function runJobs({ store, context }: Pfs): Promise<void> {
  const ends: (() => unknown)[] = [];
  try {
    const engine = await TestEngine.start(
      { after: (end: () => unknown) => ends.push(end) },
      { store },
    );
    await engine.settled();
  } finally {
    for (const end of ends) {
      await end();
    }
  }
  await context.journal.sync();
}

function copyFrom({ context }: Pfs, glob: string, update: boolean): Promise<unknown> {
  const text = JSON.stringify({
    pipeline: { name: 'copy' },
    input: { pfs: { repo: 'data', glob } },
    transform: { image: 'busybox', cmd: ['run'] },
  });
  const options = { text, fileName: 'spec.json', project: 'default', update, reprocess: update };
  return putPipelines(context, options, ACTOR);
}

export const JOB_STEPS: Steps = {
  'create a repo': (pfs) => createRepos(pfs, 'data'),
  'put files': (pfs) => put(pfs, 'data@master', { a: 'one', 'd/e': 'two' }),
  'create a pipeline': (pfs) => copyFrom(pfs, '/*', false),
  'run its job': runJobs,
  'put more files': (pfs) => put(pfs, 'data@master', { a: 'three', f: 'four' }),
  'run the job of that': runJobs,
  'update the pipeline': (pfs) => copyFrom(pfs, '/', true),
  'run the job of the update': runJobs,
  'delete a file': ({ context, queue }) =>
    deleteFiles(context, queue, { target: target('data@master'), paths: ['d'], request: ACTOR }),
  'stop that job': (pfs) => {
    const [job] = [...pfs.context.journal.state.jobs.values()].filter(
      ({ finished }) => finished === null,
    );
    const request = { kind: 'job.stop', pipeline: COPY, job: job?.id ?? '' } as const;
    return makeRequested(pfs.context, request, ACTOR);
  },
  'stop the pipeline': ({ context }) => stopPipeline(context, COPY, ACTOR),
  'put while it is stopped': (pfs) => put(pfs, 'data@master', { g: 'five' }),
  'start the pipeline': ({ context }) => startPipeline(context, COPY, ACTOR),
  'run the job of the start': runJobs,
  'delete the pipeline': ({ context }) =>
    deletePipeline(context, { key: COPY, force: false, keepRepo: false }, ACTOR),
};
