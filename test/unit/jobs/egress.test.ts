import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { deletePipeline } from '../../../engine/jobs/pipelines.ts';
import { getCommit } from '../../../engine/pfs/commit-lookup.ts';
import { rootsOfState } from '../../../engine/upkeep/roots.ts';
import { TestEngine } from '../../support/engine.ts';
import { ACTOR } from '../../support/pfs.ts';
import { scratchDirectory } from '../../support/scratch.ts';

type Test = Parameters<typeof TestEngine.start>[0];

async function rig(t: Test) {
  const place = join(scratchDirectory(t), 'place');
  mkdirSync(place);
  const engine = await TestEngine.start(t, { egress: { directories: [place] } });
  await engine.repos('data');
  const egress = (name: string) => ({ url: `file://${join(place, name)}` });
  const list = (name: string) => readdirSync(join(place, name)).sort();
  return { engine, place, egress, list };
}

it('an output is sent before its job ends, and noted with what the place may hold', async (t) => {
  const { engine, egress, list } = await rig(t);
  await engine.put('data@master', { a: '1', b: '2' });
  await engine.pipeline({ name: 'p', input: 'data', egress: egress('out') });
  const job = await engine.done('p');
  assert.deepEqual([job.state, list('out')], ['success', ['a', 'b']]);
  const { state } = engine.pfs.context.journal;
  const [note] = [...state.egress.values()];
  const { tree } = await getCommit(engine.pfs.context, 'default/p', job.id);
  assert.deepEqual([note?.trees, note?.isComplete, note?.job], [[tree], true, job.id]);
  assert.ok([...rootsOfState(state, new Set())].some(({ of }) => of === 'egress of p'));
  const gone = { key: 'default/p', force: false, keepRepo: false };
  await deletePipeline(engine.pfs.context, gone, ACTOR);
  assert.equal(state.egress.size, 0);
});

it('what a failed job has sent in part is taken away by the next one that does not have it', async (t) => {
  const { engine, place, egress, list } = await rig(t);
  await engine.put('data@master', { a: '1', z: '2' });
  mkdirSync(join(place, 'out/z'), { recursive: true });
  writeFileSync(join(place, 'out/z/of-others'), '');
  await engine.pipeline({ name: 'p', input: 'data', egress: egress('out') });
  const failed = await engine.done('p');
  assert.equal(failed.state, 'failure');
  assert.match(failed.reason, /^egress failed: .*"z".*move it away/);
  assert.deepEqual(list('out'), ['a', 'z']);
  rmSync(join(place, 'out/z'), { recursive: true });
  await engine.remove('data@master', 'a');
  const job = await engine.done('p');
  assert.deepEqual([job.state, list('out')], ['success', ['z']]);
});

it('another place starts anew, and what is at the old one stays', async (t) => {
  const { engine, egress, list } = await rig(t);
  await engine.put('data@master', { a: '1' });
  await engine.pipeline({ name: 'p', input: 'data', egress: egress('old') });
  await engine.done('p');
  await engine.pipeline({ name: 'p', input: 'data', egress: egress('new') }, { update: true });
  await engine.done('p');
  assert.deepEqual([list('old'), list('new')], [['a'], ['a']]);
});

it('a job whose datums fail sends nothing', async (t) => {
  const { engine, place, egress } = await rig(t);
  await engine.put('data@master', { a: '1' });
  engine.executor.setCode('p', () => 1);
  await engine.pipeline({ name: 'p', input: 'data', datum_tries: 1, egress: egress('out') });
  const job = await engine.done('p');
  assert.match(job.reason, /datum .* failed/);
  assert.deepEqual(readdirSync(place), []);
});
