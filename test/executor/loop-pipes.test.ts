// The ways between the engine and the loop of a warm container: named pipes where these lead there, else Docker's streams.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { bind, containerOptions } from '../../engine/executor/container-options.ts';
import { connectDocker } from '../../engine/executor/docker-connection.ts';
import { mayHavePipes } from '../../engine/executor/loop-pipes.ts';
import { SecretFiles } from '../../engine/executor/secret-files.ts';
import { WarmWorker } from '../../engine/executor/warm-worker.ts';
import { type TestImages, testImages } from '../support/docker.ts';
import { scratchDirectory } from '../support/scratch.ts';
import { type Bench, run, sh } from '../support/worker-bench.ts';

const images: TestImages = await testImages();
const MOUNT = '/dev/pfs';

/** Starts a worker; `elsewhere` shows the container pipes of other directories in place of those that the engine opens. */
async function startWorker(
  t: TestContext,
  { work, elsewhere = false }: { readonly work: boolean; readonly elsewhere?: boolean },
): Promise<Bench & { readonly pipes: { work: boolean }; readonly made: () => number }> {
  const random = new SystemRandom();
  const root = scratchDirectory(t);
  const [input, output, other] = ['in', 'out', 'other'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(join(input, 'out'), { recursive: true });
  mkdirSync(output);
  mkdirSync(other);
  execFileSync('chmod', ['777', output]);
  execFileSync('mkfifo', ['-m', '666', join(other, 'commands'), join(other, 'results')]);
  const { docker, host } = await connectDocker(process.env);
  const image = images.skip === undefined ? images.busybox : '';
  const { Id: id } = await docker.getImage(image).inspect();
  const spec = {
    image: { reference: image, digest: id, id, hasShell: true },
    ...{ labels: {}, name: 'pipes', limits: {}, inputDirectory: input, outputDirectory: output },
  };
  const name = `pfs-pipes-${random.bytes(5).toString('hex')}`;
  const owner = { instanceId: name, engineId: 'test' };
  const pipes = { work };
  let made = 0;
  const worker = await WarmWorker.start({
    ...{ spec, name, pipes, random, imageCommand: [], workingDirectory: '/', isLocal: true },
    clock: new SystemClock(),
    env: { PATH: '/bin', KEPT: 'from the image' },
    scratchDirectory: root,
    secretFiles: SecretFiles.place('', { name, secrets: [] }),
    create: async (plan) => {
      made += 1;
      const others = plan.mounts.filter(({ Target }) => Target !== MOUNT);
      const mounts = elsewhere ? [...others, bind(other, MOUNT, true)] : plan.mounts;
      const settings = { spec, owner, host, pidsLimit: 1000, uniqueName: `${name}-${made}` };
      return await docker.createContainer(containerOptions({ ...plan, mounts }, settings));
    },
    createHelper: () => Promise.reject(new Error('nothing is to be taken over')),
    describeLoss: async () => ({ kind: 'lost', reason: 'it died', outOfMemory: false }),
    onStopped: () => undefined,
    onLeft: () => undefined,
  });
  t.after(() => worker.stop());
  return { worker, input, output, pipes, made: () => made };
}

describe('the loop of a warm container', { skip: images.skip ?? false }, () => {
  it('is spoken to through named pipes, where user code finds nothing of them', async (t) => {
    if (!mayHavePipes()) {
      t.skip('pipes are of another kernel here');
      return;
    }
    const bench = await startWorker(t, { work: true });
    assert.deepEqual([bench.pipes.work, bench.made()], [true, 1]);
    const { text } = await sh(
      bench,
      'readlink /proc/1/fd/0; readlink /proc/self/fd/0; ls /proc/self/fd',
    );
    assert.match(text, /^\/dev\/pfs\/commands\n\/dev\/null\n0\n1\n2\n\d+\n$/);
    const big = await sh(bench, 'head -c 300000 /dev/zero | tr "\\0" x; exit 3');
    assert.deepEqual([big.bytes.length, big.result], [300_000, { kind: 'exited', code: 3 }]);
  });

  it('gives its last words when the container dies', async (t) => {
    const bench = await startWorker(t, { work: mayHavePipes() });
    const stopping = new Promise<string>((resolve) => {
      void sh(bench, 'echo last words; sleep 1000', { onText: resolve }).catch(() => undefined);
    });
    assert.equal(await stopping, 'last words\n');
    await bench.worker.stop();
    await assert.rejects(sh(bench, 'true'), { code: 'unavailable' });
  });

  it('goes on over the streams of Docker where the pipes lead elsewhere', async (t) => {
    const bench = await startWorker(t, { work: true, elsewhere: true });
    assert.deepEqual([bench.pipes.work, bench.made()], [false, 2]);
  });

  it('does the same over the streams of Docker', async (t) => {
    const bench = await startWorker(t, { work: false });
    const long = 'x'.repeat(3000);
    const { text } = await sh(bench, 'cat; echo "$KEPT $LONG" | wc -c', {
      stdin: 'fed\n',
      env: { LONG: long },
    });
    assert.equal(text, `fed\n${'from the image '.length + 3001}\n`);
    const late = await sh(bench, 'sleep 1000', { timeoutMs: 200 });
    assert.equal(late.result.kind, 'timed_out');
    assert.equal((await sh(bench, 'echo on')).text, 'on\n');
  });

  it('hands a command exactly the variables that it is to have', async (t) => {
    const bench = await startWorker(t, { work: mayHavePipes() });
    const variables = async (env: Record<string, string>): Promise<string[]> => {
      const { text } = await run(bench, { command: ['env'], env });
      return text.trim().split('\n').sort();
    };
    const plain = await variables({ A: '1' });
    const names = plain.map((line) => line.slice(0, line.indexOf('=')));
    assert.deepEqual(names, ['A', 'HOME', 'HOSTNAME', 'KEPT', 'PATH']);
    const odd = await variables({ A: '1', PWD: '/here', 'a-b': 'x' });
    assert.deepEqual(odd, [...plain, 'PWD=/here', 'a-b=x'].sort());
  });
});
