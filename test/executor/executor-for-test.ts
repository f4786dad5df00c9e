// A Docker executor on fresh directories, which all go away with it.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { DockerExecutor, type DockerExecutorOptions } from '../../engine/executor/docker.ts';
import type { WorkerSpec } from '../../engine/executor/executor.ts';
import { containersWith } from '../support/docker.ts';
import type { Bench } from '../support/worker-bench.ts';

/** An executor and what it stands on. */
export interface TestExecutor {
  readonly executor: DockerExecutor;
  readonly instanceId: string;
  readonly root: string;
  /** Starts a worker on `image` with directories of its own. */
  start(image: string, spec?: Partial<WorkerSpec>): Promise<Bench>;
}

/** Opens an executor that is closed, and checked for what it leaves behind, when the test ends. */
export async function openExecutor(
  t: TestContext,
  options: Partial<DockerExecutorOptions> = {},
): Promise<TestExecutor> {
  const random = new SystemRandom();
  const instanceId = options.instanceId ?? `test-${random.bytes(6).toString('hex')}`;
  const root = await mkdtemp(join(tmpdir(), 'pfs-executor-'));
  const scratchDirectory = join(root, 'scratch');
  const executor = new DockerExecutor({
    environment: process.env,
    instanceId,
    engineId: 'engine-1',
    scratchDirectory,
    clock: new SystemClock(),
    random,
    ...options,
  });
  let count = 0;
  t.after(async () => {
    await executor.close();
    assert.deepEqual(await containersWith(`pfs.instance=${instanceId}`), []);
    assert.deepEqual(await readdir(scratchDirectory).catch(() => []), []);
    await rm(root, { recursive: true, force: true });
  });
  const start = async (image: string, spec: Partial<WorkerSpec> = {}): Promise<Bench> => {
    count += 1;
    const input = join(root, `w${count}`, 'in');
    const output = join(root, `w${count}`, 'out');
    const worker = await executor.startWorker({
      image: await executor.resolveImage(image),
      labels: { 'pfs.test': 'executor' },
      name: `test-${count}`,
      limits: {},
      inputDirectory: input,
      outputDirectory: output,
      ...spec,
    });
    return { worker, input, output };
  };
  return { executor, instanceId, root, start };
}
