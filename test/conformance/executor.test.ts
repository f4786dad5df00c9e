import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { DockerExecutor } from '../../engine/executor/docker.ts';
import { containersWith, testImages } from '../support/docker.ts';
import { conformsToExecutor } from './executor.ts';

conformsToExecutor('DockerExecutor', async () => {
  const images = await testImages();
  if (images.skip !== undefined) {
    return images;
  }
  const random = new SystemRandom();
  const instanceId = `test-${random.bytes(6).toString('hex')}`;
  const scratchDirectory = await mkdtemp(join(tmpdir(), 'pfs-scratch-'));
  const executor = new DockerExecutor({
    environment: process.env,
    instanceId,
    engineId: 'conformance',
    scratchDirectory,
    clock: new SystemClock(),
    random,
    pidsLimit: 256,
  });
  return {
    executor,
    image: images.busybox,
    close: async () => {
      await executor.close();
      assert.deepEqual(await containersWith(`pfs.instance=${instanceId}`), []);
      assert.deepEqual(await readdir(scratchDirectory), []);
      await rm(scratchDirectory, { recursive: true });
    },
  };
});
