import assert from 'node:assert/strict';
import { it } from 'node:test';
import { makeRequested } from '../../../engine/jobs/changes.ts';
import {
  addRequest,
  finishTransaction,
  startTransaction,
} from '../../../engine/jobs/transactions.ts';
import { counts, TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';
import { ACTOR } from '../../support/pfs.ts';

/** An engine with `copy`, whose datums fail while they are in `broken`, and `behind`, which reads it. */
async function opened(t: Parameters<typeof TestEngine.start>[0], broken: Set<string>) {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '2', c: '3' });
  engine.executor.setCode('copy', (run) => {
    const [name = ''] = Object.keys(run.input('data'));
    return broken.has(name) ? 7 : run.write(name, `copy of ${name}`);
  });
  await engine.pipeline([
    { name: 'copy', input: 'data', datum_tries: 1 },
    { name: 'behind', input: 'copy' },
  ]);
  await engine.settled();
  const retry = async (job: string, pipeline = 'copy') =>
    await makeRequested(
      engine.pfs.context,
      { kind: 'job.retry', pipeline: `default/${pipeline}`, job },
      ACTOR,
    );
  return { engine, retry };
}

it('a retry runs the failed datums alone, in a commit set of its own, and what is downstream follows', async (t) => {
  const broken = new Set(['b']);
  const { engine, retry } = await opened(t, broken);
  const failed = await engine.job('copy');
  const [failedCommit, failedBehind] = [await engine.commit('copy'), await engine.job('behind')];
  assert.deepEqual([failed.state, failedBehind.state], ['failure', 'unrunnable']);
  assert.equal(counts(failed), '2/0/1 of 3');
  broken.clear();
  const runs = engine.executor.count('copy');
  await retry(failed.id);
  const again = await engine.done('copy');
  assert.deepEqual([again.state, counts(again)], ['success', '1/2/0 of 3']);
  assert.deepEqual([again.retries, engine.executor.count('copy') - runs], [failed.id, 1]);
  const commit = await engine.commit('copy');
  assert.deepEqual([commit.parent, commit.provenance], [failed.id, failedCommit.provenance]);
  const behind = await engine.commit('behind');
  assert.deepEqual([behind.id, behind.error], [again.id, null]);
  assert.deepEqual(
    behind.provenance.filter(({ repo }) => repo === 'default/copy').map((link) => link.commit),
    [again.id],
  );
  assert.deepEqual(await engine.read('behind'), {
    a: 'copy of a',
    b: 'copy of b',
    c: 'copy of c',
  });
  assert.deepEqual(await engine.commit(`copy@${failed.id}`), failedCommit, 'what finished stays');
  assert.deepEqual(await engine.job(`behind@${failed.id}`), failedBehind);
});

it('a retry that fails again can be retried, and a job that was killed, too', async (t) => {
  const broken = new Set(['b', 'c']);
  const { engine, retry } = await opened(t, broken);
  const first = await engine.job('copy');
  broken.delete('c');
  await retry(first.id);
  const second = await engine.done('copy');
  assert.deepEqual([second.state, counts(second)], ['failure', '1/1/1 of 3']);
  const stuck = new Latch();
  engine.executor.setCode('copy', (run) => {
    stuck.open();
    return run.hang();
  });
  await retry(second.id);
  await stuck.opened;
  const { id } = await engine.job('copy');
  await makeRequested(
    engine.pfs.context,
    { kind: 'job.stop', pipeline: 'default/copy', job: id },
    ACTOR,
  );
  assert.equal((await engine.done('copy')).state, 'killed');
  engine.executor.setCode('copy', (run) => run.write('b', 'late'));
  await retry(id);
  const last = await engine.done('copy');
  assert.deepEqual([last.state, counts(last), last.retries], ['success', '1/2/0 of 3', id]);
});

it('only the newest job can be retried: what came later is never taken back', async (t) => {
  const broken = new Set(['b']);
  const { engine, retry } = await opened(t, broken);
  const failed = await engine.job('copy');
  await assert.rejects(retry(failed.id, 'behind'), { message: /retry the job that failed/ });
  broken.clear();
  await engine.put('data', { a: 'new' });
  const later = await engine.done('copy');
  assert.deepEqual([later.state, counts(later)], ['success', '2/1/0 of 3']);
  const before = await engine.commit('copy');
  await assert.rejects(retry(failed.id), {
    code: 'failed_precondition',
    message: new RegExp(`job ${later.id} came after it`),
  });
  await assert.rejects(retry(later.id), { message: /it succeeded/ });
  assert.deepEqual(await engine.commit('copy'), before);
});

it('a retry reads what the failed job read, not what only its next commit would', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data', 'table');
  await engine.put('data', { a: '1' });
  await engine.put('table', { t: 'old' });
  let isBroken = true;
  engine.executor.setCode('both', (run) => {
    return isBroken ? 7 : run.write('out', JSON.stringify(run.input('table')));
  });
  const never = { propagation_spec: { never: true } };
  await engine.pipeline({
    name: 'both',
    datum_tries: 1,
    input: {
      cross: [
        { pfs: { repo: 'data', glob: '/' } },
        { pfs: { repo: 'table', glob: '/', ...never } },
      ],
    },
  });
  const failed = await engine.done('both');
  assert.equal(failed.state, 'failure');
  await engine.put('table', { t: 'new' });
  isBroken = false;
  await makeRequested(
    engine.pfs.context,
    { kind: 'job.retry', pipeline: 'default/both', job: failed.id },
    ACTOR,
  );
  assert.equal((await engine.done('both')).state, 'success');
  assert.deepEqual(await engine.read('both'), { out: '{"t":"old"}' });
});

it('a retry in a transaction that changes what is read reads the change, and takes nothing back', async (t) => {
  const broken = new Set(['b']);
  const { engine } = await opened(t, broken);
  const failed = await engine.job('copy');
  broken.clear();
  const { context } = engine.pfs;
  const repo = 'default/data';
  await makeRequested(
    context,
    { kind: 'commit.start', repo, branch: 'master', description: '' },
    ACTOR,
  );
  await engine.put('data@master', { d: '4' });
  const { id: transaction } = await startTransaction(context, ACTOR);
  for (const request of [
    { kind: 'job.retry', pipeline: 'default/copy', job: failed.id } as const,
    { kind: 'commit.finish', repo, ref: 'master' } as const,
  ]) {
    await addRequest(context, { transaction, request }, ACTOR);
  }
  await finishTransaction(context, transaction, ACTOR);
  const job = await engine.done('copy');
  assert.deepEqual([job.state, counts(job), job.retries], ['success', '2/2/0 of 4', undefined]);
  assert.equal((await engine.commit('copy')).parent, failed.id, 'one commit for both');
});
