import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Commit, Datum, Job, Page, Pipeline } from '../../engine/server/wire.ts';
import { testImages } from '../support/docker.ts';
import { DockerProxy } from '../support/docker-proxy.ts';
import { EngineHome } from '../support/engine-home.ts';
import { eventually } from '../support/eventually.ts';

const images = await testImages();
const image = images.skip === undefined ? images.busybox : '';

async function setUp(
  t: TestContext,
  env: Readonly<Record<string, string>> = {},
): Promise<{ home: EngineHome; proxy: DockerProxy }> {
  const own: Record<string, string> = { ...env };
  const home = new EngineHome({ env: own });
  const proxy = new DockerProxy(join(home.folder, 'docker.sock'));
  own.DOCKER_HOST = `unix://${proxy.path}`;
  await proxy.open();
  t.after(async () => {
    await home.remove();
    await proxy.close();
  });
  await home.start();
  await home.json('POST', '/repos', { body: { project: 'default', name: 'data' } });
  await home.put('data', { a: '1', b: '2' });
  return { home, proxy };
}

/** Makes a pipeline that goes on with a datum once the file `go` is in the second input. */
async function create(home: EngineHome, sh: string, more: object = {}): Promise<string> {
  await home.createPipeline({
    pipeline: { name: 'work' },
    input: { pfs: { repo: 'data', glob: '/*' } },
    transform: { image, cmd: ['sh', '-ec', sh] },
    datum_tries: 1,
    ...more,
  });
  return (await home.json<Commit>('GET', '/repos/default/work/commits/master')).id;
}

async function printed(home: EngineHome, job: string, text: string): Promise<void> {
  await eventually(`user code prints ${text}`, async () => {
    const { bytes } = await home.ask('GET', `/logs?project=default&pipeline=work&job=${job}`);
    return bytes.includes(text);
  });
}

async function done(home: EngineHome, id: string): Promise<Job> {
  await home.ask('GET', `/pipelines/default/work/jobs/${id}/wait`);
  return await home.json('GET', `/pipelines/default/work/jobs/${id}`);
}

const docker = (...args: readonly string[]) =>
  execFileSync('docker', args, { encoding: 'utf8' }).trim();

describe('when Docker goes away', { skip: images.skip ?? false, timeout: 600_000 }, () => {
  it('its datums fail nobody: the pipeline says so, and goes on when it is back', async (t) => {
    const { home, proxy } = await setUp(t);
    const id = await create(home, 'cp $data /pfs/out; echo started; sleep 1.5');
    await printed(home, id, 'started');
    const left = home.containers();
    assert.equal(left.length, 1);
    await proxy.close();
    const pipeline = () => home.json<Pipeline>('GET', '/pipelines/default/work');
    await eventually('the pipeline crashes', async () => (await pipeline()).state === 'crashing');
    assert.match((await pipeline()).reason, /no Docker socket at|Docker/);
    const status = await home.json<{ executor: { ok: boolean } }>('GET', '/engine');
    assert.equal(status.executor.ok, false);
    await proxy.open();
    const job = await done(home, id);
    assert.deepEqual([job.state, job.reason], ['success', '']);
    assert.deepEqual([job.datums.processed, job.datums.failed], [2, 0]);
    const datums = await home.json<Page<Datum>>('GET', `/pipelines/default/work/jobs/${id}/datums`);
    assert.deepEqual(
      datums.items.map(({ tries }) => tries),
      [1, 1],
    );
    assert.equal((await pipeline()).state, 'running');
    await home.kill('SIGTERM');
    assert.deepEqual(home.containers(), []);
  });

  it('a container that could not be removed meanwhile is removed when it is back', async (t) => {
    const { home, proxy } = await setUp(t);
    const id = await create(home, 'echo started; [ -e /pfs/data/b ] || sleep 600');
    await printed(home, id, 'started');
    const [stuck = ''] = home.containers();
    await proxy.close();
    await eventually('the engine saw it', async () => {
      const { state } = await home.json<Pipeline>('GET', '/pipelines/default/work');
      return state === 'crashing';
    });
    await home.ask('POST', `/pipelines/default/work/jobs/${id}/stop`);
    await proxy.open();
    await home.ask('POST', '/repos/default/data/files/master/delete', { body: { paths: ['/a'] } });
    const next = await home.json<Commit>('GET', '/repos/default/work/commits/master');
    assert.equal((await done(home, next.id)).state, 'success');
    assert.equal(docker('ps', '-aq', '--no-trunc', '--filter', `id=${stuck}`), '');
  });

  it('an engine that starts without it sweeps once it comes', async (t) => {
    const { home, proxy } = await setUp(t);
    const id = await create(home, 'echo started; [ -e /pfs/data/b ] || sleep 600');
    await printed(home, id, 'started');
    const [orphan = ''] = home.containers();
    await home.kill();
    await proxy.close();
    await home.start();
    await home.ask('POST', `/pipelines/default/work/jobs/${id}/stop`);
    await home.ask('POST', '/repos/default/data/files/master/delete', { body: { paths: ['/a'] } });
    await proxy.open();
    const next = await home.json<Commit>('GET', '/repos/default/work/commits/master');
    assert.equal((await done(home, next.id)).state, 'success');
    assert.equal(docker('ps', '-aq', '--no-trunc', '--filter', `id=${orphan}`), '');
  });

  for (const kind of ['warm', 'shell-less']) {
    it(`a connection that breaks off while a command runs makes no wrong output and fails nobody (${kind})`, async (t) => {
      const { home, proxy } = await setUp(t);
      const sh =
        '$b cp $data /pfs/out; echo started; $b sleep 2; echo ended >> /pfs/out/$($b basename $data)';
      const scratch = images.skip === undefined ? images.scratch : '';
      const cmd = ['/busybox', 'sh', '-ec', sh];
      const transform =
        kind === 'warm'
          ? { image, cmd: ['sh', '-ec', sh] }
          : { image: scratch, cmd, env: { b: '/busybox' } };
      const id = await create(home, sh, { transform });
      await printed(home, id, 'started');
      assert.ok(proxy.breakOff(/^POST .*\/(attach|wait)/) > 0);
      const job = await done(home, id);
      assert.deepEqual([job.state, job.reason, job.datums.processed], ['success', '', 2]);
      assert.equal(await home.read('work', 'master', '/a'), '1ended\n');
      await home.kill('SIGTERM');
      assert.deepEqual(home.containers(), []);
    });
  }
});

describe('when a worker dies', { skip: images.skip ?? false, timeout: 120_000 }, () => {
  it('killed from outside in the midst of a datum, it is a try, and the next one is in a fresh container', async (t) => {
    const { home } = await setUp(t);
    const sh =
      'if [ -e /run-before ]; then exit 7; fi; touch /run-before; echo started; sleep 2; cp $data /pfs/out';
    await home.ask('POST', '/repos/default/data/files/master/delete', { body: { paths: ['/b'] } });
    const id = await create(home, sh, { datum_tries: 2 });
    await printed(home, id, 'started');
    const [container = ''] = home.containers();
    docker('kill', container);
    const job = await done(home, id);
    assert.deepEqual([job.state, job.reason], ['success', '']);
    const { items } = await home.json<Page<Datum>>(
      'GET',
      `/pipelines/default/work/jobs/${id}/datums`,
    );
    assert.deepEqual(
      items.map(({ tries }) => tries),
      [2],
    );
    const { bytes } = await home.ask('GET', `/logs?project=default&pipeline=work&job=${id}`);
    assert.match(bytes.toString(), /attempt 1 of 2 failed: its container died/);
  });

  it('killed while idle, it is replaced without a try', async (t) => {
    const { home } = await setUp(t);
    const id = await create(home, 'cp $data /pfs/out');
    assert.equal((await done(home, id)).state, 'success');
    docker('kill', home.containers()[0] ?? '');
    await home.put('data', { c: '3' });
    const next = await home.json<Commit>('GET', '/repos/default/work/commits/master');
    assert.equal((await done(home, next.id)).state, 'success');
    assert.equal(await home.read('work', 'master', '/c'), '3');
  });
});

describe('when the disk has little room', { skip: images.skip ?? false, timeout: 120_000 }, () => {
  const plenty = String(2 ** 50);

  it('a datum fails whose input would take it, and says so', async (t) => {
    const { home } = await setUp(t, { PFS_MIN_FREE_BYTES: plenty });
    const job = await done(home, await create(home, 'cp $data /pfs/out'));
    assert.equal(job.state, 'failure');
    assert.match(job.reason, /bytes free, and \d+ must stay free; make room/);
  });

  it('a datum fails whose input does not fit the cache, and says so', async (t) => {
    const { home } = await setUp(t, { PFS_CACHE_BYTES: '100000' });
    await home.put('data', { b: 'x'.repeat(200_000) });
    const job = await done(home, await create(home, 'cp $data /pfs/out'));
    assert.deepEqual([job.state, job.datums.processed, job.datums.failed], ['failure', 1, 1]);
    assert.match(job.reason, /the cache .* may hold 100000 bytes/);
  });

  it('a command is ended that goes on writing, and what it wrote is removed', async (t) => {
    const { home } = await setUp(t, { PFS_MIN_FREE_BYTES: plenty });
    await home.ask('POST', '/repos/default/data/files/master/delete', { body: { paths: ['/b'] } });
    await home.put('data', { a: '' });
    const sh = 'while true; do echo more >> /pfs/out/endless; sleep 0.01; done';
    const input = { pfs: { repo: 'data', glob: '/*', empty_files: true } };
    const job = await done(home, await create(home, sh, { input, datum_tries: 3 }));
    assert.equal(job.state, 'failure');
    assert.match(job.reason, /must stay free: the command was ended/);
    const { items } = await home.json<Page<Datum>>(
      'GET',
      `/pipelines/default/work/jobs/${job.id}/datums`,
    );
    assert.deepEqual(
      items.map(({ tries }) => tries),
      [1],
      'trying again would fill it again',
    );
  });
});
