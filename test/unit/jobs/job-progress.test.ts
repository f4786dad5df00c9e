import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EngineError } from '../../../engine/base/errors.ts';
import type { DatumResult } from '../../../engine/jobs/datum-result.ts';
import { JobOutputs } from '../../../engine/jobs/job-outputs.ts';
import { JobProgress } from '../../../engine/jobs/job-progress.ts';
import { LentSession } from '../../../engine/jobs/session-writer.ts';
import type { JobRecord } from '../../../engine/journal/records.ts';
import { ACTOR, openTestPfs } from '../../support/pfs.ts';

const NO_STATS = { downloadBytes: 0, uploadBytes: 0, downloadMs: 0, processMs: 0, uploadMs: 0 };
const JOB = {
  pipeline: 'default/p',
  pipelineId: '1'.repeat(32),
  id: '2'.repeat(32),
  state: 'running',
  finished: null,
  owner: 'me',
  results: null,
  image: null,
  datums: { total: 0, processed: 0, skipped: 0, failed: 0, recovered: 0 },
  stats: NO_STATS,
} as JobRecord;
const RESULT: DatumResult = {
  datum: '3'.repeat(64),
  hash: '4'.repeat(64),
  job: JOB.id,
  state: 'success',
  reason: '',
  exitCode: 0,
  tries: 1,
  inputs: [],
  output: null,
  stats: NO_STATS,
  started: 0,
  lastLines: [],
  version: 1,
  image: null,
};

it('names no results that could not be stored, whoever waits for his turn to store more', async (t) => {
  const { context } = await openTestPfs({ t });
  const operation = { kind: 'job.created' as const, job: JOB };
  await context.journal.transact(() => ({ operations: [operation], result: null }), ACTOR);
  const session = new LentSession(context);
  const flush = session.flush.bind(session);
  session.flush = async (last) => {
    session.flush = flush;
    await flush(last);
    throw new EngineError('unavailable', 'Cannot reach the store');
  };
  const outputs = new JobOutputs();
  const progress = new JobProgress(context, { job: JOB, owner: 'me', session, outputs });
  progress.add(RESULT);
  const both = await Promise.allSettled([progress.flush('running'), progress.flush('running')]);
  assert.deepEqual(
    both.map((one) => one.status === 'rejected' && (one.reason as EngineError).code),
    ['unavailable', 'unavailable'],
  );
  const [job] = [...context.journal.state.jobs.values()];
  assert.equal(job?.results, null);
  await session.discard();
});
