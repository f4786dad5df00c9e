// What runs for ever and was given secrets that change.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TestEngine } from '../../support/engine.ts';
import { ACTOR } from '../../support/pfs.ts';
import { SPEC, serve, setUp, text } from './serving.ts';

const transform = { secrets: [{ name: 'login', key: 'word', env_var: 'WORD' }] };

async function put(engine: TestEngine, word: string, update = true): Promise<void> {
  const values = new Map([['word', Buffer.from(word)]]);
  await engine.secrets.put({ name: 'login', type: 'Opaque', values, update }, ACTOR);
}

it('a service is served with changed secrets by a new container, once that is ready, and the old one until then', async (t) => {
  const engine = await setUp(t);
  await put(engine, 'old', false);
  engine.executor.setCode(
    'web',
    serve((_x, run) => {
      const { WORD = '' } = run.env;
      return WORD === 'bad' ? Promise.reject(new Error('wrong word')) : Promise.resolve(WORD);
    }),
  );
  await engine.put('data', { x: '1' });
  await engine.pipeline({ ...SPEC, transform });
  await engine.until(() => engine.record('web').host?.since != null);
  assert.equal(await text(engine), 'old');
  const { id } = await engine.job('web');
  await put(engine, 'bad');
  await engine.until(() => engine.record('web').state === 'crashing');
  assert.match(
    engine.record('web').reason,
    new RegExp(`with its secrets as they are now: .*commit ${id} is served meanwhile`),
  );
  assert.equal(await text(engine), 'old');
  await put(engine, 'new');
  await engine.until(
    () => engine.record('web').state === 'running' && engine.executor.alive.size === 1,
  );
  assert.equal(await text(engine), 'new');
  const job = await engine.job('web');
  assert.deepEqual([job.id, job.state], [id, 'running'], 'it is the same job');
});

it('a spout is started again with changed secrets, without a pause', async (t) => {
  const engine = await setUp(t);
  await put(engine, 'old', false);
  const seen: string[] = [];
  engine.executor.setCode('made', async (run) => {
    seen.push(run.env.WORD ?? '');
    run.spec.onStarted?.([]);
    return await run.hang();
  });
  await engine.pipeline({ name: 'made', spout: {}, transform });
  await engine.until(() => engine.record('made').state === 'running');
  await put(engine, 'new');
  await engine.until(() => seen.length === 2 && engine.record('made').state === 'running');
  assert.deepEqual(seen, ['old', 'new']);
  assert.equal(engine.record('made').host?.restarts, 0, 'nothing was wrong with it');
});
