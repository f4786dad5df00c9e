// An engine with a bit of everything in it, to look at: pipelines that are well, at work, stopped and failing, user code being
// functions of the test's.

import type { TestContext } from 'node:test';
import type { Job, Page } from '../../../engine/server/wire.ts';
import { eventually } from '../../support/eventually.ts';
import type { TestServer } from '../../support/server.ts';
import { addressOf, servePage } from './visit.ts';

export interface World {
  readonly server: TestServer;
  readonly address: string;
  /** Lets the datums that `train` is at work on end. */
  readonly release: () => void;
}

/** Makes it; `train` is at work on its last datums until it is told to go on. */
export async function makeWorld(t: TestContext): Promise<World> {
  const server = await servePage(t);
  const { engine } = server;
  const { executor } = engine;
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  t.after(() => release());
  let trained = 0;
  executor.setCode('clean', async (run) => {
    for (const [path, text] of Object.entries(run.input('readings'))) {
      await run.print(`cleaning ${path}: ${text.length} bytes\n`);
      run.write(path, text.trim());
    }
  });
  executor.setCode('plot', async (run) => {
    await run.print('reading the table\n');
    if (Object.keys(run.input('clean')).some((path) => path.includes('07'))) {
      await run.print('Traceback (most recent call last):\n  File "plot.py", line 12\n');
      await run.print('ValueError: could not convert string to float: "n/a"\n');
      return 1;
    }
    run.write('plot.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>');
    return 0;
  });
  executor.setCode('train', async (run) => {
    const [path = ''] = Object.keys(run.input('clean'));
    await run.print(`epoch 1 of 10 on ${path}, loss 0.84\nepoch 2 of 10, loss 0.61\n`);
    trained += 1;
    if (trained > 3) {
      await released;
    }
    run.write(`model-${path}`, 'a model');
  });
  await engine.repos('readings', 'labels', 'archive');
  await engine.put('readings', texts(1, 6));
  await engine.put('labels', { 'labels.csv': 'day,label\n1,low\n2,high\n' });
  await engine.pipeline([
    { name: 'clean', input: 'readings', description: 'Takes blanks out of the readings.' },
    { name: 'plot', input: 'clean' },
    {
      name: 'train',
      input: {
        cross: [{ pfs: { repo: 'clean', glob: '/*' } }, { pfs: { repo: 'labels', glob: '/' } }],
      },
      parallelism_spec: { constant: 2 },
    },
    { name: 'report', input: 'plot', glob: '/' },
    { name: 'evaluate', input: 'train', glob: '/' },
    { name: 'nightly', input: 'labels', glob: '/' },
  ]);
  await engine.stop('nightly');
  await engine.put('readings', texts(7, 8));
  const newest = async (pipeline: string) =>
    (await server.json<Page<Job>>('GET', `/jobs?pipeline=${pipeline}&limit=1`)).items[0];
  await eventually('a plot fails', async () => (await newest('plot'))?.state === 'failure');
  await eventually('training is half done', async () => {
    const page = await server.json<Page<Job>>('GET', '/jobs?pipeline=train&state=running');
    return page.items[0]?.datums.processed === 3;
  });
  return { server, address: addressOf(server), release };
}

function texts(from: number, to: number): Record<string, string> {
  const files: Record<string, string> = {};
  for (let day = from; day <= to; day += 1) {
    files[`day-${String(day).padStart(2, '0')}.csv`] = `time,value\n08:00,${day}.5\n09:00,${day}\n`;
  }
  return files;
}
