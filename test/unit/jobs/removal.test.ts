import assert from 'node:assert/strict';
import { it } from 'node:test';
import { findJob, listJobs } from '../../../engine/jobs/job-lookup.ts';
import { lineageUp } from '../../../engine/jobs/lineage.ts';
import { findCommit } from '../../../engine/pfs/commit-lookup.ts';
import { dropSet } from '../../../engine/pfs/drop.ts';
import { squashSet } from '../../../engine/pfs/squash.ts';
import { counts, TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';
import { ACTOR } from '../../support/pfs.ts';

it('a job whose commit set is dropped is stopped and gone, and the next one runs on its workers', async (t) => {
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  await engine.repos('data');
  const reached = new Latch();
  const stopped = new Latch();
  engine.executor.setCode('copy', async (run) => {
    if (run.input('data').slow !== undefined) {
      reached.open();
      run.spec.signal?.addEventListener('abort', () => stopped.open());
      return await run.hang();
    }
    return run.write('seen', Object.keys(run.input('data')).join());
  });
  await engine.pipeline({ name: 'copy', input: 'data', glob: '/', datum_timeout: '1h' });
  const first = await engine.put('data@master', { a: 'a' });
  await engine.settled();
  const { id } = await engine.put('data@master', { slow: 'x' });
  await reached.opened;
  assert.equal(engine.record('copy').lastJob?.id, id);
  await dropSet(context, id, ACTOR);
  await stopped.opened;
  await engine.settled();
  assert.equal(await findJob(context, 'default/copy', id), undefined);
  assert.deepEqual(engine.record('copy').lastJob, { id: first.id, state: 'success' });
  assert.deepEqual(engine.record('copy').jobs.running, 0);
  assert.deepEqual(await engine.read('copy@master'), { seen: 'a' });
  await engine.put('data@master', { b: 'b' });
  await engine.settled();
  assert.deepEqual(await engine.read('copy@master'), { seen: 'a,b' });
  assert.deepEqual(engine.problems, []);
});

it('pipelines go on from what squashing and dropping leave, with nothing run twice', async (t) => {
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  await engine.repos('data');
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.pipeline({ name: 'again', input: 'copy' });
  const ids: string[] = [];
  for (const file of ['0', '1', '2', '3']) {
    ids.push((await engine.put('data@master', { [file]: file })).id);
    await engine.settled();
  }
  const runs = engine.executor.runs.length;
  await context.journal.snapshot();
  await squashSet(context, ids[1] ?? '', ACTOR);
  await context.journal.snapshot();
  for (const pipeline of ['copy', 'again']) {
    const repo = `default/${pipeline}`;
    assert.equal(await findJob(context, repo, ids[1] ?? ''), undefined);
    const jobs: string[] = [];
    for await (const job of listJobs(context, repo)) {
      jobs.push(job.id);
    }
    assert.ok(!jobs.includes(ids[1] ?? ''), 'its job is gone');
    assert.equal(engine.record(pipeline).jobs.success, jobs.length);
    assert.equal(await findCommit(context, `${repo}.meta`, ids[1] ?? ''), undefined);
  }
  const { id } = await engine.put('data@master', { 4: '4' });
  await engine.settled();
  assert.equal(engine.executor.runs.length, runs + 2, 'the new datum alone');
  assert.equal(counts(await engine.job('copy@master')), '1/4/0 of 5');
  assert.deepEqual(await engine.read('again@master'), { 0: '0', 1: '1', 2: '2', 3: '3', 4: '4' });
  const lineage = await lineageUp(context, await engine.commit('again@master'), '1');
  assert.equal(lineage.next[0]?.next[0]?.commit.id, id);
  await dropSet(context, id, ACTOR);
  await dropSet(context, ids[3] ?? '', ACTOR);
  assert.deepEqual(await engine.read('again@master'), { 0: '0', 1: '1', 2: '2' });
  await engine.put('data@master', { 3: '3' });
  await engine.settled();
  assert.deepEqual(await engine.read('again@master'), { 0: '0', 1: '1', 2: '2', 3: '3' });
  assert.deepEqual(engine.problems, []);
});

it('a job below which commits go while it finishes stands on what it did, with nothing run twice', async (t) => {
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  const { journal } = context;
  await engine.repos('data');
  await engine.pipeline({ name: 'copy', input: 'data' });
  const ids: string[] = [];
  for (const file of ['0', '1', '2']) {
    ids.push((await engine.put('data@master', { [file]: file })).id);
    await engine.settled();
  }
  const transact = journal.transact.bind(journal);
  const tooSoon = new Error('the commit is still there');
  journal.transact = async (run, options) => {
    try {
      return await transact((state) => {
        const decision = run(state);
        if (decision.operations.some(({ kind }) => kind === 'job.finished')) {
          throw tooSoon;
        }
        return decision;
      }, options);
    } catch (error) {
      if (error !== tooSoon) {
        throw error;
      }
    }
    journal.transact = transact;
    await squashSet(context, ids[1] ?? '', ACTOR);
    return await transact(run, options);
  };
  const runs = engine.executor.runs.length;
  await engine.put('data@master', { 0: 'new', 3: '3' });
  const job = await engine.done('copy');
  assert.equal(journal.transact, transact, 'a commit went while the job finished');
  assert.deepEqual([job.state, counts(job)], ['success', '2/2/0 of 4']);
  assert.equal(engine.executor.runs.length, runs + 2);
  assert.deepEqual(await engine.read('copy@master'), { 0: 'new', 1: '1', 2: '2', 3: '3' });
  await engine.put('data@master', { 0: '0' });
  assert.equal(counts(await engine.done('copy')), '0/4/0 of 4', 'all results are kept');
  assert.deepEqual(engine.problems, []);
});

it('what made a version of a pipeline is not removed by itself', async (t) => {
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  await engine.repos('data');
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  const { id } = await engine.commit('copy@master');
  await engine.put('data@master', { a: 'a' });
  await engine.settled();
  for (const remove of [squashSet, dropSet]) {
    await assert.rejects(remove(context, id, ACTOR), {
      code: 'failed_precondition',
      message: /it made a version of pipeline "copy"; it goes with the pipeline$/,
    });
  }
});
