// What only the executor without Docker has to see to: the machine around its commands is the engine's own.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { DockerExecutor } from '../../engine/executor/docker.ts';
import type { WorkerSpec } from '../../engine/executor/executor.ts';
import { ProcessExecutor } from '../../engine/executor/process.ts';
import { withoutNamespaces } from '../support/leave-out.ts';
import { type Bench, sh } from '../support/worker-bench.ts';

const skip = withoutNamespaces();
const random = new SystemRandom();

/** Directories that are seen by commands, unlike those below /tmp, where this checkout may lie. */
async function seen(t: TestContext): Promise<string> {
  const checkout = join(import.meta.dirname, '../..');
  const cache = join(/^\/(?:var\/)?tmp\//.test(checkout) ? homedir() : checkout, '.cache');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function setUp(t: TestContext, { hidden = [] as readonly string[] } = {}) {
  const root = await mkdtemp(join(tmpdir(), 'pfs-process-'));
  const scratchDirectory = join(root, 'scratch');
  const instanceId = `test-${random.bytes(6).toString('hex')}`;
  const executor = new ProcessExecutor({
    environment: process.env,
    instanceId,
    engineId: 'engine-1',
    scratchDirectory,
    hidden,
    clock: new SystemClock(),
    random,
  });
  t.after(async () => {
    await executor.close();
    await rm(root, { recursive: true, force: true });
  });
  const start = async (spec: Partial<WorkerSpec> = {}): Promise<Bench> => {
    const [input, output] = [join(root, 'in'), join(root, 'out')];
    const image = await executor.resolveImage('any');
    const worker = await executor.startWorker({
      image,
      name: 'test',
      labels: {},
      limits: {},
      inputDirectory: input,
      outputDirectory: output,
      ...spec,
    });
    return { worker, input, output };
  };
  return { start, secrets: join('/dev/shm', `pfs-${instanceId}`, 'engine-1') };
}

it('what the engine hides is hidden under its name behind links, too', { skip }, async (t) => {
  const base = await seen(t);
  await mkdir(join(base, 'real/home'), { recursive: true });
  await writeFile(join(base, 'real/home/key'), 'precious');
  await symlink(join(base, 'real'), join(base, 'link'));
  const { start } = await setUp(t, { hidden: [join(base, 'link/home')] });
  const bench = await start();
  for (const name of ['real', 'link']) {
    const { text, result } = await sh(
      bench,
      `{ ls ${base}/${name} && cat ${base}/${name}/home/key; } 2>&1`,
    );
    assert.match(text, /^home\n(?!precious)/);
    assert.ok(result.kind === 'exited' && result.code !== 0);
  }
});

it('secrets are shown behind links of the machine without a trace outside', { skip }, async (t) => {
  // Nearly everywhere /var/run is a link to /run.
  const path = `/var/run/pfs-test-${process.pid}`;
  const { start } = await setUp(t);
  const bench = await start({ secrets: [{ path, files: new Map([['key', Buffer.from('x')]]) }] });
  assert.equal((await sh(bench, `cat ${path}/key`)).text, 'x');
  assert.equal(existsSync(path), false);
});

it('the values of secrets are gone with the worker', { skip }, async (t) => {
  const { start, secrets } = await setUp(t);
  const files = new Map([['key', Buffer.from('precious')]]);
  const { worker } = await start({ secrets: [{ path: '/keys', files }] });
  assert.equal((await readdir(secrets)).length, 1);
  await worker.stop();
  assert.deepEqual(await readdir(secrets), []);
});

it('secrets that a killed engine left are removed before Docker answers', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'pfs-left-'));
  const instanceId = `test-${random.bytes(6).toString('hex')}`;
  const scratchDirectory = join(root, 'scratch');
  const places = [join('/dev/shm', `pfs-${instanceId}`), `${scratchDirectory}-secrets`];
  t.after(() =>
    Promise.all([root, ...places].map((path) => rm(path, { recursive: true, force: true }))),
  );
  for (const place of places) {
    await mkdir(join(place, 'killed/worker'), { recursive: true });
    await writeFile(join(place, 'killed/worker/key'), 'precious');
  }
  const executor = new DockerExecutor({
    environment: { DOCKER_HOST: `unix://${root}/nobody.sock`, HOME: root },
    instanceId,
    engineId: 'engine-2',
    scratchDirectory,
    clock: new SystemClock(),
    random,
  });
  await assert.rejects(executor.sweep(), { code: 'unavailable' });
  for (const place of places) {
    assert.deepEqual(await readdir(place).catch(() => []), []);
  }
  await executor.close();
});
