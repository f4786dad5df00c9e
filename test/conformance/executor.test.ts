import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { DockerExecutor } from '../../engine/executor/docker.ts';
import { makeHostGroup } from '../../engine/executor/host-group.ts';
import { ProcessExecutor } from '../../engine/executor/process.ts';
import { bashImage, containersWith, dashImage, testImages } from '../support/docker.ts';
import { lacking } from '../support/leave-out.ts';
import { conformsToExecutor, type ExecutorUnderTest } from './executor.ts';

type Opened = ExecutorUnderTest | { skip: string };

// The loop of a worker is a text for whatever shell the image has.
conformsToExecutor('DockerExecutor on busybox', () => openWith((busybox) => busybox));
conformsToExecutor('DockerExecutor on dash', () => openWith(dashImage));
conformsToExecutor('DockerExecutor on bash', () => openWith(bashImage));

conformsToExecutor('ProcessExecutor', openProcess);

/** Where the kernel allows no namespaces, the executor says so, and nothing of it can be tried. */
async function openProcess(): Promise<Opened> {
  const random = new SystemRandom();
  const scratchDirectory = await mkdtemp(join(tmpdir(), 'pfs-scratch-'));
  const executor = new ProcessExecutor({
    environment: process.env,
    instanceId: `test-${random.bytes(6).toString('hex')}`,
    engineId: 'conformance',
    scratchDirectory,
    hidden: [],
    clock: new SystemClock(),
    random,
  });
  const close = async () => {
    await executor.close();
    assert.deepEqual(await readdir(scratchDirectory), []);
    await rm(scratchDirectory, { recursive: true });
  };
  const { ok, notes } = await executor.probe();
  if (!ok) {
    await close();
    return { skip: lacking(notes.join('; ')) };
  }
  return { executor, image: 'any', lacks: await lacksMemoryLimits(), close };
}

async function lacksMemoryLimits(): Promise<{ readonly memoryLimits?: string }> {
  const limits = { processes: 8, memoryBytes: 64 * 1024 * 1024 };
  const group = await makeHostGroup(`try-${process.pid}`, limits);
  await group.remove();
  return group.memoryEvents ? {} : { memoryLimits: 'no control groups of memory may be made here' };
}

async function openWith(
  choose: (busybox: string) => string | undefined | Promise<string | undefined>,
): Promise<Opened> {
  const images = await testImages();
  if (images.skip !== undefined) {
    return images;
  }
  const image = await choose(images.busybox);
  return image === undefined
    ? { skip: lacking('no image with this shell is here') }
    : await open(image);
}

async function open(image: string): Promise<ExecutorUnderTest> {
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
    image,
    close: async () => {
      await executor.close();
      assert.deepEqual(await containersWith(`pfs.instance=${instanceId}`), []);
      assert.deepEqual(await readdir(scratchDirectory), []);
      await rm(scratchDirectory, { recursive: true });
    },
  };
}
