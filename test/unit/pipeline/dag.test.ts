import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PipelineDag } from '../../../engine/pipeline/dag.ts';
import type { PipelineInput } from '../../../engine/pipeline/spec.ts';
import { pfs, pipeline } from './specs.ts';

const key = (...names: string[]) => names.map((name) => `default/${name}`);
const base = pipeline('base', 'raw');
const at = (name: string, input: PipelineInput) => ({
  ...base,
  pipeline: { ...base.pipeline, name },
  input,
});

const diamond = new PipelineDag([
  pipeline('join', 'left', 'right'),
  pipeline('right', 'top'),
  pipeline('left', 'top'),
  pipeline('top', 'raw'),
  pipeline('alone', 'raw'),
]);

it('orders pipelines after everything they read, and by name where there is a choice', () => {
  assert.deepEqual(diamond.topologicalOrder(), key('alone', 'top', 'left', 'right', 'join'));
});

it('finds everything below and above a pipeline', () => {
  assert.deepEqual(diamond.downstream('default/top'), key('left', 'right', 'join'));
  assert.deepEqual(diamond.upstream('default/join'), key('top', 'left', 'right'));
  assert.deepEqual(diamond.downstream('default/alone'), []);
  assert.deepEqual(diamond.readers('default/top'), key('left', 'right'));
  assert.deepEqual(diamond.downstream('default/nobody'), []);
});

it('finds no cycle where there is none', () => {
  assert.equal(diamond.cycle(), undefined);
  assert.equal(diamond.cycleThrough('default/top'), undefined);
});

it('names the pipelines of a cycle in the order in which data goes round', () => {
  const dag = new PipelineDag([
    pipeline('a', 'raw', 'c'),
    pipeline('b', 'a'),
    pipeline('c', 'b'),
    pipeline('below', 'c'),
  ]);
  assert.deepEqual(dag.cycle(), key('a', 'b', 'c', 'a'));
  assert.deepEqual(dag.cycleThrough('default/b'), key('b', 'c', 'a', 'b'));
  assert.equal(dag.cycleThrough('default/below'), undefined);
  assert.deepEqual(dag.topologicalOrder(), []);
});

it('sees a pipeline that reads itself', () => {
  assert.deepEqual(new PipelineDag([pipeline('a', 'a')]).cycle(), key('a', 'a'));
});

it('joins pipelines by branch where that is asked for', () => {
  const pipelines = [pipeline('a', 'raw'), at('b', pfs('a', { branch: 'release' }))];
  assert.deepEqual(new PipelineDag(pipelines).downstream('default/a'), key('b'));
  assert.deepEqual(new PipelineDag(pipelines, { by: 'branch' }).downstream('default/a'), []);
});

it('keeps pipelines of one name in two projects apart', () => {
  const other = at('b', pfs('a', { project: 'lab' }));
  assert.deepEqual(new PipelineDag([pipeline('a', 'raw'), other]).downstream('default/a'), []);
});

it('follows a chain that is longer than the stack', () => {
  const chain = Array.from({ length: 20_000 }, (_, i) =>
    at(`p${i}`, pfs(i === 0 ? 'raw' : `p${i - 1}`)),
  );
  const dag = new PipelineDag(chain);
  assert.equal(dag.topologicalOrder().length, 20_000);
  assert.equal(dag.downstream('default/p0').length, 19_999);
  assert.equal(dag.cycle(), undefined);
});
