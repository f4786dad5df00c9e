import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { containersWith, docker, testImages } from '../support/docker.ts';
import { run, sh } from '../support/worker-bench.ts';
import { openExecutor } from './executor-for-test.ts';

async function imagesOrSkip(
  t: TestContext,
): Promise<{ busybox: string; scratch: string } | undefined> {
  const images = await testImages();
  if (images.skip !== undefined) {
    t.skip(images.skip);
    return undefined;
  }
  return images;
}

describe('DockerExecutor', { timeout: 120_000 }, () => {
  it('probe() tells version and transfer, and that binds are fine once a worker was started', async (t) => {
    const images = await imagesOrSkip(t);
    if (!images) {
      return;
    }
    const { executor, start } = await openExecutor(t);
    const before = await executor.probe();
    assert.equal(before.ok, true);
    assert.match(before.notes.join('\n'), /Docker \d+.*\n.*probed with the first worker/);
    await start(images.busybox);
    assert.match((await executor.probe()).notes.join('\n'), /by binding directories/);
  });

  it('probe() never rejects and names the remedy where Docker is not there', async (t) => {
    const { executor } = await openExecutor(t, {
      environment: { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    });
    const health = await executor.probe();
    assert.equal(health.ok, false);
    assert.match(health.notes.join(), /no Docker socket at unix:\/\/\/nowhere.*install Docker/);
  });

  it('containers are made as they should be', async (t) => {
    const images = await imagesOrSkip(t);
    if (!images) {
      return;
    }
    const { instanceId, start } = await openExecutor(t);
    await start(images.busybox, {
      labels: { mine: 'yes', 'pfs.instance': 'not mine' },
      limits: { cpu: 10_000, memoryBytes: 64 * 1024 * 1024 },
      hasNetwork: false,
    });
    const [id = ''] = await containersWith(`pfs.instance=${instanceId}`);
    const [info] = JSON.parse(await docker('inspect', id));
    assert.equal(info.Config.Labels.mine, 'yes');
    assert.equal(info.Config.Labels['pfs.instance'], instanceId);
    assert.equal(info.Config.Labels['pfs.engine'], 'engine-1');
    const { HostConfig } = info;
    assert.equal(HostConfig.NanoCpus, cpus().length * 1e9);
    assert.equal(HostConfig.Memory, HostConfig.MemorySwap);
    assert.deepEqual(
      HostConfig.CapDrop.map((name: string) => name.replace('CAP_', '')),
      ['MKNOD'],
    );
    assert.deepEqual(HostConfig.SecurityOpt, ['no-new-privileges']);
    assert.equal(HostConfig.NetworkMode, 'none');
    assert.equal(HostConfig.PidsLimit, 4096);
    assert.equal(HostConfig.Privileged, false);
    assert.doesNotMatch(JSON.stringify(info.Mounts), /docker\.sock/);
    assert.equal(HostConfig.AutoRemove, true);
    assert.equal(HostConfig.Init, false);
    assert.equal(HostConfig.LogConfig.Type, 'none');
    assert.equal(HostConfig.OomScoreAdj, 500);
    assert.equal(HostConfig.ShmSize, 2 ** 31);
  });

  it('a command runs as the user that is asked for', async (t) => {
    const images = await imagesOrSkip(t);
    if (!images) {
      return;
    }
    const { start } = await openExecutor(t);
    const bench = await start(images.busybox, { user: '1234:1234' });
    const { text } = await sh(bench, 'id -u; echo x >/pfs/out/a; sleep 100 &');
    assert.equal(text, '1234\n');
    assert.equal(await readFile(join(bench.output, 'a'), 'utf8'), 'x\n');
    const late = await sh(bench, 'trap "" TERM; while :; do sleep 1; done', { timeoutMs: 200 });
    assert.equal(late.result.kind, 'timed_out');
    assert.equal((await sh(bench, 'cat /proc/[0-9]*/comm | grep -c ^sleep; true')).text, '0\n');
  });

  it('a container that is killed from outside is lost with a reason', async (t) => {
    const images = await imagesOrSkip(t);
    if (!images) {
      return;
    }
    const { instanceId, start } = await openExecutor(t);
    const bench = await start(images.busybox);
    const { result } = await sh(bench, 'echo started; exec sleep 1000', {
      onText: () => {
        void containersWith(`pfs.instance=${instanceId}`).then(([id = '']) => docker('kill', id));
      },
    });
    assert.deepEqual(result, {
      kind: 'lost',
      reason: 'its container ended with code 137 under the command',
      outOfMemory: false,
    });
    await assert.rejects(sh(bench, 'true'), { code: 'unavailable', message: /start another/ });
  });

  it('a command that fills shared memory is lost for memory', async (t) => {
    const images = await imagesOrSkip(t);
    if (!images) {
      return;
    }
    const { start } = await openExecutor(t);
    const bench = await start(images.busybox, { limits: { memoryBytes: 32 * 1024 * 1024 } });
    const { result } = await sh(bench, 'dd if=/dev/zero of=/dev/shm/x bs=1M; exit 9');
    assert.ok(result.kind === 'lost' && result.outOfMemory, JSON.stringify(result));
  });

  it('close() stops all workers, busy ones too', async (t) => {
    const images = await imagesOrSkip(t);
    if (!images) {
      return;
    }
    const { executor, instanceId, start } = await openExecutor(t);
    const benches = await Promise.all([start(images.busybox), start(images.busybox)]);
    const [busy] = benches;
    const running = assert.rejects(
      sh(busy ?? assert.fail(), 'echo started; sleep 1000', {
        onText: () => void executor.close(),
      }),
      { code: 'cancelled' },
    );
    await running;
    await executor.close();
    assert.deepEqual(await containersWith(`pfs.instance=${instanceId}`), []);
  });

  it('sweep() removes what dead engines of this instance left, and nothing else', async (t) => {
    const images = await imagesOrSkip(t);
    if (!images) {
      return;
    }
    const { executor, instanceId, start } = await openExecutor(t);
    const create = async (instance: string, engine: string): Promise<string> =>
      await docker(
        ...['run', '-d', '--label', `pfs.instance=${instance}`, '--label', `pfs.engine=${engine}`],
        ...[images.busybox, 'sleep', '1000'],
      );
    const dead = await create(instanceId, 'engine-0');
    const other = await create(`${instanceId}-other`, 'engine-0');
    t.after(() => docker('rm', '-f', other));
    const bench = await start(images.busybox);
    await executor.sweep();
    assert.deepEqual(await containersWith(`pfs.instance=${instanceId}-other`), [other]);
    assert.ok(!(await containersWith(`pfs.instance=${instanceId}`)).includes(dead));
    assert.equal((await sh(bench, 'echo on')).text, 'on\n');
  });
});

describe('DockerExecutor with a container per command', { timeout: 120_000 }, () => {
  it('runs images that have no shell', async (t) => {
    const images = await imagesOrSkip(t);
    if (!images) {
      return;
    }
    const { executor, start } = await openExecutor(t);
    assert.equal((await executor.resolveImage(images.scratch)).hasShell, false);
    const bench = await start(images.scratch);
    assert.equal((await run(bench, {})).text, 'ready\n');
    await writeFile(join(bench.input, 'a'), 'data');
    assert.equal((await run(bench, { command: ['/busybox', 'cat', '/pfs/a'] })).text, 'data');
    const { text } = await run(bench, { command: ['/busybox', 'cat'], stdin: 'fed' });
    assert.equal(text, 'fed');
    const env = await run(bench, { command: ['/busybox', 'env'], env: { 'my-repo': '/pfs/a' } });
    assert.match(env.text, /^my-repo=\/pfs\/a$/m);
    const script = '/busybox mkdir -p /pfs/out/a; echo x >/pfs/out/a/b; exit 3';
    const { result } = await run(bench, { command: ['/busybox', 'sh', '-c', script] });
    assert.deepEqual(result, { kind: 'exited', code: 3 });
    assert.equal(await readFile(join(bench.output, 'a/b'), 'utf8'), 'x\n');
    const missing = await run(bench, { command: ['/nothing'] });
    assert.deepEqual(missing.result, { kind: 'exited', code: 127 });
    const late = await run(bench, { command: ['/busybox', 'sleep', '1000'], timeoutMs: 300 });
    assert.deepEqual(late.result, { kind: 'timed_out' });
  });

  it('copies inputs and outputs where binds lie, modes, links and long names included', async (t) => {
    const images = await imagesOrSkip(t);
    if (!images) {
      return;
    }
    const { executor, start } = await openExecutor(t, { forceTransfer: 'tar' });
    assert.match((await executor.probe()).notes.join(), /by copying/);
    const bench = await start(images.busybox);
    const long = `${'long'.repeat(40)}/${'name'.repeat(40)}`;
    await mkdir(join(bench.input, 'repo', long), { recursive: true });
    await writeFile(join(bench.input, 'repo', long, 'ü'), 'data');
    await writeFile(join(bench.input, 'repo', 'tool'), '#!/bin/sh\necho ran\n');
    await chmod(join(bench.input, 'repo', 'tool'), 0o755);
    const script = `/pfs/repo/tool; cat /pfs/repo/${long}/ü; cp -r /pfs/repo /pfs/out/copy; ln -s /pfs/repo/tool /pfs/out/link; head -c 3000000 /dev/zero >/pfs/out/zeros; chmod 600 /pfs/out/zeros`;
    const { result, text } = await sh(bench, script);
    assert.deepEqual(result, { kind: 'exited', code: 0 });
    assert.equal(text, 'ran\ndata');
    assert.deepEqual((await readdir(bench.output)).sort(), ['copy', 'link', 'zeros']);
    assert.equal(await readFile(join(bench.output, 'copy', long, 'ü'), 'utf8'), 'data');
    assert.equal((await stat(join(bench.output, 'copy/tool'))).mode & 0o111, 0o111);
    assert.equal(await readlink(join(bench.output, 'link')), '/pfs/repo/tool');
    assert.equal((await stat(join(bench.output, 'zeros'))).size, 3_000_000);
    await assert.rejects(sh(bench, 'mkfifo /pfs/out/pipe'), { code: 'invalid' });
  });
});
