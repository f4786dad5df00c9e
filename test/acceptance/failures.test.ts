import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Datum, Job, Pipeline } from '../../engine/server/wire.ts';
import { images, PipelineHome } from './pipeline-home.ts';

describe('failure and repair, from the command line', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome();
  after(() => home.close());

  it('all datums run even when one fails, what is downstream is unrunnable and names it, and later commits inherit from the last good one', async () => {
    await home.repo('data', { a: 'good', b: 'good' });
    const sh = 'grep -q good $data || exit 7; cp $data /pfs/out';
    await home.create(
      { name: 'picky', input: 'data', sh, datum_tries: 1 },
      { name: 'next', input: 'picky', sh: 'cp $picky /pfs/out' },
      { name: 'last', input: 'next', sh: 'cp $next /pfs/out' },
    );
    assert.equal((await home.done('last')).state, 'success');
    await home.put('data', { a: 'spoilt', c: 'good', d: 'good' });
    const failed = await home.done('picky');
    assert.deepEqual(
      [failed.state, failed.datums.processed, failed.datums.skipped, failed.datums.failed],
      ['failure', 2, 1, 1],
    );
    assert.match(failed.reason, /data:\/a.*exit code 7/);
    const reasons = [(await home.done('next')).reason, (await home.done('last')).reason];
    assert.match(reasons[0] ?? '', /^unrunnable because .*: picky@master$/);
    assert.match(reasons[1] ?? '', /next@master \(because picky@master failed\)$/);

    await home.pfs('delete-file', 'data@master:/a');
    const healed = await home.done('picky');
    assert.deepEqual([healed.state, healed.datums.processed], ['success', 0]);
    assert.equal((await home.done('last')).state, 'success');
    assert.deepEqual(await home.list('last'), ['/b', '/c', '/d']);
  });

  it('rerun-pipeline tries again what failed, and with --reprocess all, in the same version', async () => {
    await home.repo('words', { a: 'x', b: 'y' });
    const sh = '[ $words = /pfs/words/a ] && [ "$GOOD" = "" ] && exit 1; cp $words /pfs/out';
    await home.create({ name: 'moody', input: 'words', sh, datum_tries: 1 });
    assert.equal((await home.done('moody')).state, 'failure');
    await home.update({ name: 'moody', input: 'words', sh, transform: { env: { GOOD: 'yes' } } });
    assert.deepEqual((await home.done('moody')).datums.skipped, 1, 'what succeeded is kept');
    await home.pfs('rerun-pipeline', 'moody');
    const again = await home.done('moody');
    assert.deepEqual([again.version, again.datums.skipped, again.datums.processed], [2, 2, 0]);
    await home.pfs('rerun', 'pipeline', 'moody', '--reprocess');
    const anew = await home.done('moody');
    assert.deepEqual([anew.version, anew.datums.skipped, anew.datums.processed], [2, 0, 2]);
    await home.pfs('stop-pipeline', 'moody');
    const refused = await home.run(['rerun-pipeline', 'moody']);
    assert.equal(refused.code, 4);
    assert.match(
      refused.stderr,
      /Cannot rerun pipeline "moody": it is stopped; pfs start-pipeline/,
    );
  });

  it('an update while a job runs kills it, says so, and begins with the new version', async () => {
    await home.repo('work', { a: '1' });
    const slow = { name: 'changing', input: 'work', sh: 'echo begun; sleep 600' };
    await home.create(slow);
    const { id } = await home.commit('changing');
    for await (const line of home.lines('logs', '-j', `changing@${id}`, '-f')) {
      if (line === 'begun') {
        break;
      }
    }
    await home.update({ ...slow, sh: 'cp $work /pfs/out' });
    const killed = await home.inspect<Job>('inspect-job', `changing@${id}`);
    assert.deepEqual(
      [killed.state, killed.reason, killed.version],
      ['killed', 'all jobs killed because the pipeline was updated', 1],
    );
    const job = await home.done('changing');
    assert.deepEqual([job.state, job.version, job.datums.processed], ['success', 2, 1]);
    assert.deepEqual(await home.list('changing'), ['/a']);
  });

  it('with reprocess_spec every_job all datums run in each job', async () => {
    await home.create({
      name: 'always',
      input: 'work',
      sh: 'cat /proc/sys/kernel/random/uuid > /pfs/out/$(basename $work)',
      reprocess_spec: 'every_job',
    });
    await home.done('always');
    const before = await home.read('always@master:/a');
    await home.put('work', { b: '2' });
    const job = await home.done('always');
    assert.deepEqual([job.datums.processed, job.datums.skipped], [2, 0]);
    assert.notEqual(await home.read('always@master:/a'), before);
  });

  it('a datum whose err_cmd ends well is recovered: it has no output, the job succeeds, and the next job tries it again', async () => {
    await home.repo('mail', { a: 'fine', b: 'broken' });
    const transform = {
      cmd: ['sh', '-c', 'cp $mail /pfs/out; grep -q broken $mail && exit 3; true'],
      err_cmd: ['sh'],
      err_stdin: ['echo "put aside: $(cat $mail)"', 'ls /pfs/out | wc -l'],
    };
    await home.create({ name: 'sieve', input: 'mail', transform, datum_tries: 3 });
    const job = await home.done('sieve');
    assert.deepEqual(
      [job.state, job.datums.processed, job.datums.recovered],
      ['success', 1, 1],
      job.reason,
    );
    assert.deepEqual(await home.list('sieve'), ['/a']);
    const args = ['sieve', '--state', 'recovered', '--state', 'failed'];
    const datums = (await home.raw('list-datum', ...args)) as unknown as Datum[];
    assert.deepEqual(
      datums.map(({ state, tries, exitCode }) => [state, tries, exitCode]),
      [['recovered', 1, 3]],
    );
    const logs = await home.pfs('logs', 'sieve');
    assert.match(logs, /^put aside: broken\n0$/m);
    assert.match(logs, /err_cmd ended well, so that the datum is recovered/);
    await home.put('mail', { c: 'fine' });
    const next = await home.done('sieve');
    assert.deepEqual(
      [next.datums.processed, next.datums.skipped, next.datums.recovered],
      [1, 1, 1],
    );
  });

  it('restart-datum kills what hangs and runs it again, by job, by path and by id', async () => {
    await home.repo('queue', { stuck: 'x' });
    await home.create({
      name: 'hangs',
      input: 'queue',
      sh: 'echo begun; sleep 600',
      datum_tries: 1,
    });
    const { id } = await home.commit('hangs');
    const filters: string[][] = [[], ['/stuck']];
    let isFirst = true;
    for await (const line of home.lines('logs', '-j', `hangs@${id}`, '-f')) {
      if (line !== 'begun') {
        assert.equal(line, 'pfs: a user had the datum restarted');
        continue;
      }
      const { workers = [] } = await home.inspect<Job>('inspect-job', 'hangs');
      const datum = workers[0]?.datum ?? '';
      if (isFirst) {
        isFirst = false;
        filters.push([datum.slice(0, 10)]);
        const none = await home.run(['restart-datum', 'hangs@master', '/other']);
        assert.equal(none.code, 4);
        assert.match(none.stderr, /no such datum is being processed/);
      }
      const filter = filters.shift();
      if (filter === undefined) {
        break;
      }
      const restarted = await home.raw('restart-datum', 'hangs', ...filter);
      assert.deepEqual(restarted, [{ datum, worker: 'hangs-v1-0' }]);
    }
    await home.pfs('stop', 'job', `hangs@${id}`);
    const ended = await home.run(['restart-datum', `hangs@${id}`]);
    assert.match(ended.stderr, /the job has ended \(killed\)/);
    assert.equal((await home.inspect<Pipeline>('inspect-pipeline', 'hangs')).state, 'running');
  });
});
