// What the API tells of jobs that are looked for, read about, or cannot run.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Datum, Job } from '../../../engine/server/wire.ts';
import { TestServer } from '../../support/server.ts';

const TEXT = { 'content-type': 'text/plain' };

async function withPipeline(t: Parameters<typeof TestServer.start>[0], image: string) {
  const server = await TestServer.start(t);
  server.engine.executor.setCode('p', (run) =>
    run.print(`did ${Object.keys(run.input('data'))}\n`),
  );
  await server.json('POST', '/repos', { body: { project: 'default', name: 'data' } });
  await server.put('data', { a: 'one', b: 'two' });
  const spec = {
    pipeline: { name: 'p' },
    transform: { image, cmd: ['run'] },
    input: { pfs: { repo: 'data', glob: '/*' } },
  };
  await server.json('POST', '/pipelines', { headers: TEXT, body: JSON.stringify(spec) });
  return server;
}

it('a job whose image is missing says so while it waits, and not once it ran', async (t) => {
  const server = await withPipeline(t, 'absent');
  const { journal } = server.engine.pfs.context;
  await journal.waitFor(
    (state) => state.pipelines.get('default/p')?.state === 'crashing' || undefined,
  );
  const [held] = await server.all<Job>('/jobs');
  assert.match(held?.reason ?? '', /Cannot find image "absent"/);
  const waiting = server.ask('GET', `/pipelines/default/p/jobs/${held?.id}/wait`);
  server.engine.executor.images.set('absent', 'sha256:there');
  const told = (await waiting).text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Job);
  assert.deepEqual([told.at(-1)?.state, told.at(-1)?.reason], ['success', '']);
});

it('the beginning of a datum’s id picks its log; a state that there is not is refused', async (t) => {
  const server = await withPipeline(t, 'busybox');
  await server.engine.settled();
  const [job] = await server.all<Job>('/jobs?state=success');
  const datums = await server.all<Datum>(`/pipelines/default/p/jobs/${job?.id}/datums`);
  for (const { id, inputs } of datums) {
    const log = await server.ask('GET', `/logs?pipeline=p&datum=${id.slice(0, 12)}`);
    const messages = log.text.match(/"message":"[^"]*"/g);
    assert.deepEqual(messages, [`"message":"did ${inputs[0]?.path.slice(1)}"`]);
  }
  const problem = await server.problem('GET', '/jobs?state=runing');
  assert.equal(problem.code, 'invalid');
  assert.match(problem.detail, /no such state; the states are created, .*unrunnable/);
});
