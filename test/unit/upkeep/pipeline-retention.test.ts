import assert from 'node:assert/strict';
import { it } from 'node:test';
import { listCommits } from '../../../engine/pfs/commit-list.ts';
import { keepCommits } from '../../../engine/pfs/repos.ts';
import { collect } from '../../../engine/upkeep/collector.ts';
import { Pace } from '../../../engine/upkeep/pace.ts';
import { TestEngine } from '../../support/engine.ts';
import { ACTOR, readAll } from '../../support/pfs.ts';

async function count(engine: TestEngine, repo: string): Promise<number> {
  let commits = 0;
  for await (const _ of listCommits(engine.pfs.context, repo)) {
    commits += 1;
  }
  return commits;
}

it('outputs that are let go take their jobs and commits of results along, and what was processed is not again', async (t) => {
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  await engine.repos('data');
  await engine.pipeline({ name: 'out', input: 'data' });
  for (let i = 0; i < 5; i++) {
    const commit = await engine.put('data@master', { [`/f${i}`]: `${i}` });
    await engine.done(`out@${commit.id}`);
  }
  await keepCommits(context, { key: 'default/out', keep: { last: 2, forMs: null } }, ACTOR);
  await keepCommits(context, { key: 'default/data', keep: { last: 1, forMs: null } }, ACTOR);
  const upkeep = async () =>
    await collect(context, { graceMs: 0, dryRun: false, pace: new Pace({ clock: context.clock }) });
  await upkeep();
  await upkeep();
  await upkeep();
  assert.equal(await count(engine, 'default/out'), 2);
  assert.equal(await count(engine, 'default/out.meta'), 2);
  // What the outputs that stay were made from stays with them.
  assert.equal(await count(engine, 'default/data'), 2);
  const last = await engine.put('data@master', { '/last': 'last' });
  const job = await engine.done(`out@${last.id}`);
  assert.equal(job.state, 'success');
  assert.deepEqual([job.datums.skipped, job.datums.processed], [5, 1]);
  assert.equal(Object.keys(await readAll(engine.pfs, 'out@master')).length, 6);
});
