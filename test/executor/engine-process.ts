// An engine in a process of its own, as any user: starts a worker, does what it is told, and says so.

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { DockerExecutor } from '../../engine/executor/docker.ts';

const [mode = '', root = '', instanceId = '', image = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  const executor = new DockerExecutor({
    environment: process.env,
    instanceId,
    engineId: 'child',
    scratchDirectory: join(root, 'scratch'),
    clock: new SystemClock(),
    random: new SystemRandom(),
  });
  const output = join(root, 'out');
  const worker = await executor.startWorker({
    image: await executor.resolveImage(image),
    labels: {},
    name: 'child',
    limits: {},
    inputDirectory: join(root, 'in'),
    outputDirectory: output,
  });
  if (mode === 'wait') {
    process.stdout.write('ready\n');
    setInterval(() => {}, 1000);
    return;
  }
  if (mode.startsWith('copy')) {
    let printed = '';
    await mkdir(join(root, 'in/repo'));
    await writeFile(join(root, 'in/repo/a'), 'data');
    const copied = await worker.run({
      command: [...(mode === 'copy' ? [] : ['/busybox']), 'cp', '-v', '/pfs/repo/a', '/pfs/out/b'],
      env: {},
      onOutput: (chunk) => {
        printed += chunk.toString();
      },
    });
    const notes = (await executor.probe()).notes.join('; ');
    const b = await readFile(join(output, 'b'), 'utf8');
    await executor.close();
    process.stdout.write(`${JSON.stringify({ result: copied, printed, notes, b })}\n`);
    return;
  }
  // Everything root in a container can do to be in the way.
  const script = `cd /pfs/out; umask 077; $b mkdir -p a/b/c sticky/d; echo secret >a/b/c/f; echo s >sticky/d/g
    $b chown -R 4321:4321 a/b; $b chmod 1777 sticky; $b chmod 0 a/b/c/f a/b/c; $b ln -s /etc/passwd link`;
  const shell = mode === 'clean' ? ['sh'] : ['/busybox', 'sh'];
  const env = { b: mode === 'clean' ? '' : '/busybox' };
  let said = '';
  const onOutput = (chunk: Buffer) => {
    said += chunk.toString();
  };
  const result = await worker.run({ command: [...shell, '-c', script], env, onOutput });
  await worker.takeOver();
  const names = (await readdir(output, { recursive: true })).sort();
  const secret = await readFile(join(output, 'a/b/c/f'), 'utf8');
  for (const name of await readdir(output)) {
    await rm(join(output, name), { recursive: true });
  }
  await worker.stop();
  await executor.close();
  process.stdout.write(
    `${JSON.stringify({ uid: process.getuid?.(), result, said, names, secret })}\n`,
  );
}

await main();
