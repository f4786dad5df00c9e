import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Datum } from '../../engine/server/wire.ts';
import { dockerLines, image, images, PipelineHome, workersOf } from './pipeline-home.ts';

describe('what user code sees, and what becomes of it', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome();
  after(() => home.close());

  it('the environment names the input, its commit, the datum, the job and the pipeline', async () => {
    await home.repo('data', { 'a.txt': 'A' });
    const sh = 'env > /pfs/out/env; pwd > /pfs/out/pwd';
    await home.create({
      name: 'env',
      input: 'data',
      sh,
      transform: { image, cmd: ['sh', '-c', sh], env: { MINE: 'yes' } },
    });
    const job = await home.done('env');
    assert.equal(job.state, 'success', job.reason);
    const [datum] = (await home.raw('list-datum', `env@${job.id}`)) as unknown as Datum[];
    const { id } = await home.commit('data');
    const lines = (await home.read('env@master:/env')).split('\n');
    for (const expected of [
      'data=/pfs/data/a.txt',
      `data_COMMIT=${id}`,
      `PACH_DATUM_ID=${datum?.id}`,
      `PACH_JOB_ID=${job.id}`,
      `PACH_OUTPUT_COMMIT_ID=${job.id}`,
      'PACH_IN_WORKER=true',
      'PPS_PIPELINE_NAME=env',
      'PPS_PROJECT_NAME=default',
      'PPS_POD_NAME=env-v1-0',
      'MINE=yes',
    ]) {
      assert.ok(lines.includes(expected), `${expected} in\n${lines.join('\n')}`);
    }
    const specCommit = await home.commit('env.spec');
    assert.ok(lines.includes(`PPS_SPEC_COMMIT=${specCommit.id}`), 'the commit of the spec');
  });

  it('inputs are read-only, one datum at a time, and the output begins empty', async () => {
    await home.repo('tree', { 'd/x': '1', 'd/y': '2', 'e/z': '3' });
    const sh = [
      'n=$(basename $tree)',
      'find /pfs -type f | sort > /tmp/seen',
      '(echo no > $tree/new) 2>/dev/null && echo written >> /tmp/seen',
      'rm -rf $tree/* 2>/dev/null; ls $tree | wc -l >> /tmp/seen',
      'cp /tmp/seen /pfs/out/$n',
    ].join('\n');
    await home.create({ name: 'look', input: 'tree', sh });
    const job = await home.done('look');
    assert.deepEqual([job.state, job.datums.processed], ['success', 2], job.reason);
    assert.equal(await home.read('look@master:/d'), '/pfs/tree/d/x\n/pfs/tree/d/y\n2\n');
    assert.equal(await home.read('look@master:/e'), '/pfs/tree/e/z\n1\n');
    assert.equal(await home.read('tree@master:/d/x'), '1');
  });

  it('working_dir, user and stdin are as the spec says', async () => {
    const transform = {
      image,
      cmd: ['sh'],
      stdin: ['pwd > /pfs/out/where', 'id -u > /pfs/out/who', 'echo "from $0" > /pfs/out/line'],
      working_dir: '/usr/bin',
      user: '1234',
    };
    await home.create({ name: 'told', input: 'data', transform });
    const job = await home.done('told');
    assert.equal(job.state, 'success', job.reason);
    assert.equal(await home.read('told@master:/where'), '/usr/bin\n');
    assert.equal(await home.read('told@master:/who'), '1234\n');
    assert.equal(await home.read('told@master:/line'), 'from sh\n');
  });

  it('memory_volume keeps /tmp in memory, and metadata marks the containers', async () => {
    const sh =
      'awk \'$2 == "/tmp" { print $3 }\' /proc/mounts > /pfs/out/kind; cp /bin/true /tmp && /tmp/true';
    await home.create({
      name: 'marked',
      input: 'data',
      sh,
      transform: { memory_volume: true },
      metadata: {
        labels: { team: 'vision', 'pfs.pipeline': 'not this' },
        annotations: { 'example.com/cost': 'low', team: 'overruled' },
      },
    });
    const job = await home.done('marked');
    assert.equal(job.state, 'success', job.reason);
    assert.equal(await home.read('marked@master:/kind'), 'tmpfs\n');
    const [id = ''] = workersOf('marked');
    const labels: Record<string, string> = JSON.parse(
      dockerLines('inspect', '--format', '{{json .Config.Labels}}', id).join(''),
    );
    assert.deepEqual(
      [labels.team, labels['example.com/cost'], labels['pfs.pipeline']],
      ['vision', 'low', 'marked'],
    );
  });

  it('a return code that is accepted is success, another is not', async () => {
    const base = { input: 'data', datum_tries: 1, sh: 'echo x > /pfs/out/x; exit 5' };
    const cmd = ['sh', '-c', base.sh];
    await home.create(
      { ...base, name: 'accepts', transform: { cmd, accept_return_code: [5] } },
      { ...base, name: 'refuses', transform: { cmd, accept_return_code: [6] } },
    );
    assert.equal((await home.done('accepts')).state, 'success');
    assert.equal((await home.done('refuses')).state, 'failure');
  });

  it('a failed job says which datum, its exit code and its last lines', async () => {
    await home.repo('mixed', { bad: 'b', good: 'g' });
    const sh =
      'case $mixed in */bad) echo first; echo "no such column" >&2; exit 9;; esac; cp $mixed /pfs/out';
    await home.create({ name: 'picky', input: 'mixed', sh, datum_tries: 2 });
    await home.create({ name: 'behind', input: 'picky', sh: 'true' });
    const waited = await home.run(['wait', 'job', 'picky']);
    assert.equal(waited.code, 6);
    const job = await home.done('picky');
    assert.deepEqual([job.datums.processed, job.datums.failed], [1, 1]);
    assert.match(job.reason, /mixed:\/bad.*exit(ed with)? code 9/);
    const shown = await home.pfs('inspect-job', `picky@${job.id}`);
    assert.match(shown, /\| no such column/);
    assert.match(shown, /exit(ed with)? code 9/);
    const datums = (await home.raw('list-datum', `picky@${job.id}`)) as unknown as Datum[];
    const failed = datums.find(({ state }) => state === 'failed');
    assert.deepEqual([failed?.exitCode, failed?.tries, datums.length], [9, 2, 2]);
    const behind = await home.done('behind');
    assert.equal(behind.state, 'unrunnable');
    assert.match(behind.reason, /picky@master/);

    await home.pfs('delete-file', 'mixed@master:/bad');
    const healed = await home.done('picky');
    assert.deepEqual([healed.state, healed.datums.skipped], ['success', 1]);
    assert.equal((await home.done('behind')).state, 'success');
  });

  it('a datum and a job that take too long are ended', async () => {
    const sh = 'echo begun; sleep 60';
    await home.create(
      { name: 'slow-datum', input: 'data', sh, datum_timeout: '500ms', datum_tries: 1 },
      { name: 'slow-job', input: 'data', sh, job_timeout: '1s' },
    );
    const datum = await home.done('slow-datum');
    assert.deepEqual([datum.state, /time-out/.test(datum.reason)], ['failure', true]);
    const job = await home.done('slow-job');
    assert.deepEqual([job.state, /job_timeout/.test(job.reason)], ['killed', true]);
  });

  it('list-datum and inspect-datum tell what ran, what was skipped, and which job made it', async () => {
    await home.repo('parts', { a: '1', b: '1' });
    await home.create({ name: 'each', input: 'parts', sh: 'cp $parts /pfs/out' });
    const first = await home.done('each');
    await home.put('parts', { b: '2' });
    const second = await home.done('each');
    const datums = (await home.raw('list-datum', `each@${second.id}`)) as unknown as Datum[];
    const byPath = new Map(datums.map((datum) => [datum.inputs[0]?.path, datum]));
    const [a, b] = [byPath.get('/a'), byPath.get('/b')];
    assert.deepEqual([a?.state, a?.producedBy], ['skipped', first.id]);
    assert.deepEqual([b?.state, b?.producedBy], ['success', second.id]);
    const one = await home.inspect<Datum>('inspect-datum', `each@${second.id}`, String(b?.id));
    assert.deepEqual([one.exitCode, one.tries, one.inputs[0]?.size], [0, 1, 1]);
    assert.ok((one.stats?.processMs ?? 0) > 0);
  });

  it('logs are those of a pipeline, a job or a datum', async () => {
    await home.repo('words', { one: '', two: '' });
    await home.create({
      name: 'speak',
      input: 'words',
      sh: 'echo "this is $(basename $words)"; echo loud >&2',
    });
    const first = await home.done('speak');
    await home.put('words', { three: '' });
    const second = await home.done('speak');
    const lines = async (...args: string[]) =>
      (await home.pfs('logs', ...args))
        .split('\n')
        .filter((line) => line.startsWith('this'))
        .sort();
    assert.deepEqual(await lines('speak'), ['this is one', 'this is three', 'this is two']);
    assert.deepEqual(await lines('-j', `speak@${first.id}`), ['this is one', 'this is two']);
    const datums = (await home.raw('list-datum', `speak@${first.id}`)) as unknown as Datum[];
    const two = datums.find(({ inputs }) => inputs[0]?.path === '/two');
    assert.deepEqual(await lines('-j', `speak@${first.id}`, '--datum', String(two?.id)), [
      'this is two',
    ]);
    assert.match(await home.pfs('logs', '-j', `speak@${second.id}`), /^loud$/m);
  });

  it('with debug the logs say what the engine does with each datum', async () => {
    await home.repo('talk', { a: 'four' });
    const transform = { debug: true };
    await home.create({ name: 'chatty', input: 'talk', sh: 'printf half-a-line', transform });
    await home.done('chatty');
    const lines = (await home.pfs('logs', '-p', 'chatty')).split('\n');
    const own = lines.filter((line) => line.includes('pfs: datum'));
    assert.match(own[0] ?? '', /talk:\/a\) begins on worker chatty-v1-0: 4 bytes of input/);
    assert.match(own[1] ?? '', /datum ended: success, exit code 0, 1 attempt; \d+ ms to fetch/);
    assert.ok(lines.some((line) => line.endsWith('half-a-line')));
  });

  it('logs -f prints what comes until the job is done', async () => {
    await home.repo('go', { a: '' });
    const sh = 'for n in 1 2 3; do echo line $n; sleep 0.3; done';
    await home.create({ name: 'ticks', input: 'go', sh });
    const { id } = await home.commit('ticks');
    const followed = await home.pfs('logs', '-j', `ticks@${id}`, '-f');
    assert.equal(followed, 'line 1\nline 2\nline 3\n');
  });
});
