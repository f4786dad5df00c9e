import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, describe, it } from 'node:test';
import type { Job, Pipeline } from '../../engine/server/wire.ts';
import { eventually } from '../support/eventually.ts';
import { ask, Hammer } from '../support/hammer.ts';
import {
  dockerLines,
  image,
  images,
  PipelineHome,
  type ShellSpec,
  workersOf,
} from './pipeline-home.ts';

/** Serves its data at `/`, slowly at `/cgi-bin/slow`, and says at `/cgi-bin/health` when it is ready. */
const SERVE = [
  'mkdir -p /tmp/www/cgi-bin',
  'cp -r /pfs/data/* /tmp/www',
  `printf '#!/bin/sh\\necho Content-type: text/plain\\necho\\nsleep 2\\ncat /pfs/data/x\\n' > /tmp/www/cgi-bin/slow`,
  `printf '#!/bin/sh\\n[ -e /tmp/up ] || echo "Status: 503 Starting"\\necho Content-type: text/plain\\necho\\n' > /tmp/www/cgi-bin/health`,
  'chmod +x /tmp/www/cgi-bin/*',
  'exec httpd -f -p 80 -h /tmp/www',
].join('\n');

function service(name: string, more: Partial<ShellSpec> = {}): ShellSpec {
  return {
    name,
    input: { pfs: { name: 'data', repo: name.replace(/-.*/, ''), glob: '/' } },
    sh: SERVE,
    service: { internal_port: 80 },
    ...more,
  };
}

describe('services', { skip: images.skip ?? false, timeout: 300_000 }, () => {
  const home = new PipelineHome();
  after(() => home.close());
  const pipeline = (name: string) => home.inspect<Pipeline>('inspect-pipeline', name);
  const served = async (name: string) => {
    await home.pfs('wait', 'commit', `${name}@master`);
    const { address } = (await pipeline(name)).host ?? {};
    assert.ok(address, `${name} is served somewhere`);
    return `http://${address.host}:${address.port}`;
  };
  const text = async (url: string) => (await ask(url)).text;

  it('serves the newest data while commits and updates come, and no request ever fails', async () => {
    await home.repo('hot', { x: 'a' });
    await home.create(service('hot-web'));
    const url = await served('hot-web');
    assert.match(url, /^http:\/\/127\.0\.0\.1:/, 'on the loopback interface');
    const hammers = [true, false].map((keeps) => new Hammer(`${url}/x`, { keeps }));
    for (const x of ['b', 'c', 'd']) {
      const slow = text(`${url}/cgi-bin/slow`);
      await eventually('the slow request is under way', async () =>
        dockerLines('top', workersOf('hot-web')[0] ?? '').some((line) => line.includes('sleep 2')),
      );
      await home.put('hot', { x });
      await home.pfs('wait', 'commit', 'hot-web@master');
      assert.equal(await text(`${url}/x`), x);
      assert.match(await slow, /^[abc]$/, 'what was under way is answered by who was asked');
    }
    await home.update(service('hot-web', { transform: { env: { ANY: 'thing' } } }));
    await home.pfs('wait', 'commit', 'hot-web@master');
    await home.put('hot', { x: 'e' });
    await home.pfs('wait', 'commit', 'hot-web@master');
    await Promise.all(hammers.map((hammer) => hammer.stop()));
    for (const { failures, answers, count } of hammers) {
      assert.deepEqual(failures, []);
      assert.deepEqual(answers, ['a', 'b', 'c', 'd', 'e'], 'never back to old data');
      assert.ok(count > 50, `${count} requests`);
    }
    await eventually('one container is left', async () => workersOf('hot-web').length === 1);
    const jobs = await home.raw('list-job', '--pipeline', 'hot-web');
    const states = jobs.map(({ state }) => state);
    assert.deepEqual(states, ['running', ...states.slice(1)]);
    assert.ok(
      jobs
        .slice(1)
        .every(({ state, reason }) => state === 'success' || /updated/.test(String(reason))),
    );
    assert.deepEqual(await home.list('hot-web'), [], 'its output is empty');
    assert.match(await home.pfs('list-pipeline'), /hot-web .* running .*at 127\.0\.0\.1:\d+/);
  });

  it('what never becomes ready leaves the old one serving, and the state says why', async () => {
    await home.repo('bad', { x: 'good' });
    const sh = `if [ -e /pfs/data/trap ]; then echo I fell; exit 3; fi\n${SERVE}`;
    await home.create(service('bad-web', { sh }));
    const url = await served('bad-web');
    const { host } = await pipeline('bad-web');
    await home.put('bad', { trap: '' });
    await eventually(
      'it is crashing',
      async () => (await pipeline('bad-web')).state === 'crashing',
    );
    const { reason } = await pipeline('bad-web');
    assert.match(
      reason,
      /is not served: the command ended: exit code 3; last lines: I fell; commit/,
    );
    assert.ok(reason.includes(`commit ${host?.serving} is served meanwhile`), reason);
    assert.match(await home.pfs('list-pipeline'), /bad-web .* crashing .* I fell/);
    assert.equal(await text(`${url}/x`), 'good');
    const bad = await home.inspect<Job>('inspect-job', 'bad-web@master');
    assert.match(bad.reason, /I fell/);
    await home.pfs('delete-file', 'bad@master:/trap');
    await home.pfs('wait', 'commit', 'bad-web@master');
    assert.deepEqual((({ state, reason: why }) => [state, why])(await pipeline('bad-web')), [
      'running',
      '',
    ]);
    const after = await home.inspect<Job>('inspect-job', `bad-web@${bad.id}`);
    assert.deepEqual([after.state, /I fell/.test(after.reason)], ['failure', true]);
    const deaf = { internal_port: 80, ready_timeout: '1s' };
    await home.update(service('bad-web', { sh: 'exec sleep 1000', service: deaf }));
    await eventually('it says so', async () =>
      /within 1s/.test((await pipeline('bad-web')).reason),
    );
    assert.match(
      (await pipeline('bad-web')).reason,
      /internal_port 80\): nobody listens on port 80/,
    );
    assert.equal(await text(`${url}/x`), 'good');
    const waited = await home.run(['wait', 'job', 'bad-web@master']);
    assert.equal(waited.code, 9);
    assert.match(waited.stderr, /nobody listens/);
    assert.match(await home.pfs('logs', 'bad-web'), /I fell\n[\s\S]*started again in 1 s/);
  });

  it('a container that dies is started again, later each time, and who asks meanwhile waits', async () => {
    await home.repo('mortal', { x: 'alive' });
    await home.create(service('mortal-web'));
    const url = await served('mortal-web');
    dockerLines('kill', workersOf('mortal-web')[0] ?? '');
    assert.equal(await text(`${url}/x`), 'alive');
    await eventually(
      'it is counted',
      async () => (await pipeline('mortal-web')).host?.restarts === 1,
    );
    const { host, state } = await pipeline('mortal-web');
    assert.equal(state, 'running');
    assert.match(host?.lastRestart?.reason ?? '', /exit code 137/);
    assert.match(
      await home.pfs('inspect-pipeline', 'mortal-web'),
      /Restarts: +1, the last .*: the command ended/,
    );
  });

  it('a health path decides when it is ready, and an image needs no shell', async () => {
    await home.repo('slow', { x: 'first' });
    const service1 = { internal_port: 80, health_path: '/cgi-bin/health' };
    await home.create(
      service('slow-web', { sh: `(sleep 1; touch /tmp/up) &\n${SERVE}`, service: service1 }),
    );
    const url = await served('slow-web');
    assert.equal((await ask(`${url}/cgi-bin/health`)).status, 200);
    await home.put('slow', { x: 'second' });
    const asked = await ask(`${url}/x`);
    assert.equal(asked.text, 'first', 'the new one is not ready yet');
    const scratch = images.skip === undefined ? images.scratch : '';
    const cmd = ['/busybox', 'httpd', '-f', '-p', '80', '-h', '/pfs/data'];
    await home.create(service('slow-bare', { transform: { image: scratch, cmd } }));
    assert.equal(await text(`${await served('slow-bare')}/x`), 'second');
  });

  it('stops, starts, moves and is deleted as any pipeline', async () => {
    await home.repo('life', { x: '1' });
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const { port } = free.address() as { port: number };
    const fixed = (more = {}) =>
      service('life-web', { service: { internal_port: 80, external_port: port, ...more } });
    await home.create(fixed());
    await eventually('its port is taken', async () => {
      const { state, reason } = await pipeline('life-web');
      return state === 'crashing' && new RegExp(`port ${port} of 127.0.0.1 is taken`).test(reason);
    });
    await new Promise((resolve) => free.close(resolve));
    const url = await served('life-web');
    assert.equal(url, `http://127.0.0.1:${port}`);
    const taken = await home.refused(home.spec({ ...fixed(), name: 'other' }));
    assert.match(
      taken.stderr,
      /service\.external_port: port \d+ of 127\.0\.0\.1 is that of the pipeline "life-web"/,
    );
    await home.pfs('stop-pipeline', 'life-web');
    assert.deepEqual(workersOf('life-web'), []);
    await assert.rejects(ask(url), /ECONNREFUSED/);
    await home.put('life', { x: '2' });
    await home.pfs('start-pipeline', 'life-web');
    assert.equal(await text(`${await served('life-web')}/x`), '2');
    await home.update(fixed({ external_port: 0 }));
    const moved = await served('life-web');
    assert.notEqual(moved, url);
    assert.equal(await text(`${moved}/x`), '2');
    await home.pfs('delete-pipeline', 'life-web');
    assert.deepEqual(workersOf('life-web'), []);
    await assert.rejects(ask(moved), /ECONNREFUSED/);
  });

  it('without data it waits for some, and of several datums it serves none', async () => {
    await home.repo('few');
    await home.create(
      service('few-web', { input: { pfs: { name: 'data', repo: 'few', glob: '/*' } } }),
    );
    await home.pfs('wait', 'commit', 'few-web@master');
    const waiting = await pipeline('few-web');
    assert.deepEqual([waiting.state, /nothing to serve/.test(waiting.reason)], ['standby', true]);
    await home.put('few', { x: 'one' });
    const url = await served('few-web');
    await home.put('few', { y: 'two' });
    const failed = await home.run(['wait', 'commit', 'few-web@master']);
    assert.match(failed.stderr, /exactly one datum, and its input has several; use the glob "\/"/);
    assert.equal((await ask(url)).status, 404, 'the one before is still there');
    assert.match((await pipeline('few-web')).reason, /several; .* is served meanwhile/);
  });
});

describe('services over the lives of engines', {
  skip: images.skip ?? false,
  timeout: 300_000,
}, () => {
  const stale = { PFS_CLAIM_STALE_MS: '3000' };
  const first = new PipelineHome(stale);
  const second = new PipelineHome({ ...stale, PFS_STORE: first.path('home/store') });
  after(async () => {
    await second.close();
    await first.close();
  });
  const host = async (home: PipelineHome) =>
    (await home.inspect<Pipeline>('inspect-pipeline', 'long-web')).host;

  it('a killed engine serves again where it did, and one engine of two serves at a time', async () => {
    await first.repo('long', { x: 'kept' });
    await first.create(service('long-web'));
    await first.pfs('wait', 'commit', 'long-web@master');
    const before = await host(first);
    assert.ok(before?.address);
    const url = `http://127.0.0.1:${before.address.port}/x`;
    assert.deepEqual((await host(second))?.address, before.address, 'the other engine knows');
    const { pid } = JSON.parse(readFileSync(first.path('home/engine.json'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    await first.pfs('list-pipeline');
    await eventually('the same engine serves again', async () => {
      const now = await host(first);
      return now?.readySince != null && now.engine !== before.engine;
    });
    assert.equal((await ask(url)).text, 'kept');
    assert.equal(workersOf('long-web').length, 1);
    await first.pfs('engine', 'stop');
    // It may not have heard yet of what ended, and tell of that.
    await eventually('the other engine takes over', async () => {
      const now = await host(second);
      return now?.readySince != null && now.engine?.slice(0, 16) !== before.engine?.slice(0, 16);
    });
    const after = await host(second);
    assert.equal((await ask(`http://127.0.0.1:${after?.address?.port}/x`)).text, 'kept');
    assert.equal(workersOf('long-web').length, 1);
  });
});

it('a service without Docker says what is missing', { timeout: 60_000 }, async (t) => {
  const home = new PipelineHome({ DOCKER_HOST: 'unix:///nowhere/docker.sock' });
  t.after(() => home.close());
  await home.repo('none', { x: '' });
  await home.create(service('none-web', { transform: { image: image || 'any:1' } }));
  await eventually('it says so', async () => {
    const { state, reason } = await home.inspect<Pipeline>('inspect-pipeline', 'none-web');
    return state === 'crashing' && /no Docker socket at .*install Docker/.test(reason);
  });
});
