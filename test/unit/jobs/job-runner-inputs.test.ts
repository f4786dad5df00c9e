// Jobs by the kinds of their inputs: which datums run when something changes, and which never.

import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { counts, TestEngine } from '../../support/engine.ts';
import type { FakeRun } from '../../support/fake-executor.ts';

const pfs = (repo: string, more: Record<string, string> = {}) => ({
  pfs: { repo, glob: '/*', ...more },
});

/** Ends badly on every datum whose input `data` says bad. */
function failOnBad(run: FakeRun): number {
  for (const [path, text] of Object.entries(run.input('data'))) {
    if (text.startsWith('bad')) {
      return 3;
    }
    run.write(path, text);
  }
  return 0;
}

it('a join runs only the pairs that something new takes part in, and drops those that lost their partner', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('left', 'right');
  await engine.put('left', { 'a-1': 'a1', 'b-1': 'b1', 'b-2': 'b2' });
  await engine.put('right', { 'a.x': 'ax', 'b.x': 'bx', 'c.x': 'cx' });
  engine.executor.setCode('pairs', (run) => {
    const [left = ''] = Object.values(run.input('left'));
    const [right = ''] = Object.values(run.input('right'));
    run.write(`${left}${right}`, String(run.env.PACH_DATUM_left_JOIN_ON));
  });
  const join = {
    join: [
      pfs('left', { glob: '/(*)-*', join_on: '$1' }),
      pfs('right', { glob: '/(*).x', join_on: '$1' }),
    ],
  };
  await engine.pipeline({ name: 'pairs', input: join });
  assert.equal(counts(await engine.done('pairs')), '3/0/0 of 3');
  assert.deepEqual(await engine.read('pairs'), { a1ax: 'a', b1bx: 'b', b2bx: 'b' });
  await engine.put('left', { 'c-1': 'c1' });
  assert.equal(counts(await engine.done('pairs')), '1/3/0 of 4');
  await engine.remove('right', 'b.x');
  assert.equal(counts(await engine.done('pairs')), '0/2/0 of 2');
  assert.deepEqual(await engine.read('pairs'), { a1ax: 'a', c1cx: 'c' });
});

it('a group gives one datum all files of its key, and runs it again when one of them changes', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data', 'more');
  await engine.put('data', { 'a-1': '1', 'a-2': '2', 'b-1': '3' });
  await engine.put('more', { 'x/a': '4', 'x/c': '5' });
  engine.executor.setCode('sums', (run) => {
    const texts = ['data', 'more'].flatMap((name) =>
      name in run.env ? Object.entries(run.input(name)) : [],
    );
    const key = run.env.PACH_DATUM_data_GROUP_BY ?? run.env.PACH_DATUM_more_GROUP_BY;
    run.write(String(key), texts.map(([path, text]) => `${path}=${text}`).join(' '));
  });
  const group = {
    group: [
      pfs('data', { glob: '/(*)-*', group_by: '$1' }),
      pfs('more', { glob: '/x/(*)', group_by: '$1' }),
    ],
  };
  await engine.pipeline({ name: 'sums', input: group });
  assert.equal(counts(await engine.done('sums')), '3/0/0 of 3');
  const first = { a: 'a-1=1 a-2=2 x/a=4', b: 'b-1=3', c: 'x/c=5' };
  assert.deepEqual(await engine.read('sums'), first);
  await engine.put('data', { 'a-2': '6' });
  assert.equal(counts(await engine.done('sums')), '1/2/0 of 3');
  assert.deepEqual(await engine.read('sums'), { ...first, a: 'a-1=1 a-2=6 x/a=4' });
});

it('an input that never propagates starts no job, and is read at its newest commit by the jobs that others start', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data', 'table');
  await engine.put('data', { a: '1' });
  await engine.put('table', { t: 'old' });
  engine.executor.setCode('both', (run) => {
    const [data] = Object.values(run.input('data'));
    run.write(String(data), run.input('table').t ?? '');
  });
  const never = { pfs: { repo: 'table', glob: '/', propagation_spec: { never: true } } };
  await engine.pipeline({ name: 'both', input: { cross: [pfs('data'), never] } });
  const first = await engine.done('both');
  await engine.put('table', { t: 'new' });
  await engine.settled();
  assert.equal((await engine.commit('both')).id, first.id, 'no job');
  await engine.put('data', { b: '2' });
  assert.equal(counts(await engine.done('both')), '2/0/0 of 2');
  assert.deepEqual(await engine.read('both'), { 1: 'new', 2: 'new' });
});

it('an output read without propagation is of the same commit set where both have one cause', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  const never = { pfs: { repo: 'first', glob: '/', propagation_spec: { never: true } } };
  // The reader's name sorts before what it reads, so that its order has to come from the input that never propagates.
  await engine.pipeline([
    { name: 'first', input: 'data' },
    { name: 'also', input: { cross: [pfs('data'), never] } },
  ]);
  await engine.settled();
  const { id } = await engine.put('data', { b: '2' });
  await engine.settled();
  const { provenance } = await engine.commit('also');
  assert.equal(provenance.find(({ repo }) => repo === 'default/first')?.commit, id);
});

it('a change of a reference alone processes nothing again, and new datums see what it is now', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data', 'model');
  await engine.put('data', { a: '1' });
  await engine.put('model', { m: 'v1' });
  engine.executor.setCode('score', (run) => {
    const [data] = Object.values(run.input('data'));
    run.write(String(data), run.input('model').m ?? '');
  });
  const model = { pfs: { repo: 'model', glob: '/', reference: true } };
  await engine.pipeline({ name: 'score', input: { cross: [pfs('data'), model] } });
  await engine.settled();
  await engine.put('model', { m: 'v2' });
  assert.equal(counts(await engine.done('score')), '0/1/0 of 1');
  await engine.put('data', { b: '2' });
  assert.equal(counts(await engine.done('score')), '1/1/0 of 2');
  assert.deepEqual(await engine.read('score'), { 1: 'v1', 2: 'v2' });
});

it('a reference by itself, whose files are datums, runs new files only', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '1' });
  const reference = { pfs: { repo: 'data', glob: '/*', reference: true } };
  await engine.pipeline({ name: 'copy', input: reference });
  await engine.settled();
  await engine.put('data', { a: '2', c: '1' });
  assert.equal(counts(await engine.done('copy')), '1/2/0 of 3');
  assert.deepEqual(await engine.read('copy'), { a: '1', b: '1', c: '1' });
});

it('empty files have their names and no bytes, and a change of what is in them runs them again', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { 'd/a': 'much', 'd/b': 'more' });
  const names = { pfs: { repo: 'data', glob: '/*', empty_files: true } };
  engine.executor.setCode('names', (run) => {
    run.write('names', JSON.stringify(run.input('data')));
  });
  await engine.pipeline({ name: 'names', input: names });
  const job = await engine.done('names');
  assert.deepEqual(await engine.read('names'), { names: '{"d/a":"","d/b":""}' });
  assert.equal(job.stats.downloadBytes, 0);
  await engine.put('data', { 'd/a': 'changed' });
  assert.equal(counts(await engine.done('names')), '1/0/0 of 1');
});

it('an input with a trigger starts one job for all that came since the last, and its branch is made and deleted with the pipeline', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  const input = { pfs: { repo: 'data', glob: '/*', trigger: { commits: 2 } } };
  await engine.pipeline({ name: 'batch', input });
  assert.equal(
    counts(await engine.done('batch')),
    '0/0/0 of 0',
    'a branch of its own begins empty',
  );
  const first = await engine.put('data', { b: '2' });
  assert.equal(counts(await engine.done('batch')), '2/0/0 of 2');
  assert.equal((await engine.job('batch')).id, first.id, 'one commit set');
  await engine.put('data', { c: '3' });
  assert.equal((await engine.done('batch')).id, first.id);
  await engine.put('data', { d: '4' });
  assert.equal(counts(await engine.done('batch')), '2/2/0 of 4');

  const { branches } = engine.pfs.context.journal.state;
  const key = 'default/data@batch-trigger-1';
  assert.equal(branches.get(key)?.trigger?.commits, 2);
  const more = { pfs: { ...input.pfs, trigger: { commits: 3 } } };
  await engine.pipeline({ name: 'batch', input: more }, { update: true });
  assert.equal(branches.get(key)?.trigger?.commits, 3);
  await engine.pipeline({ name: 'batch', input: 'data' }, { update: true });
  assert.ok(!branches.has(key));
  assert.equal(counts(await engine.done('batch')), '4/0/0 of 4', 'another branch is another datum');
});

it('an output that another branch follows runs what reads that branch when its job succeeds, and not when it fails', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  engine.executor.setCode('first', failOnBad);
  const follows = (branch: string) => ({
    pfs: { repo: 'first', branch, glob: '/*', trigger: { commits: 1 } },
  });
  await engine.pipeline([
    { name: 'first', input: 'data', datum_tries: 1 },
    { name: 'second', input: follows('good') },
    { name: 'both', input: { cross: [pfs('data', { glob: '/' }), follows('also')] } },
  ]);
  await engine.settled();
  const { id } = await engine.put('data', { a: '1' });
  await engine.settled();
  const { branches, commits } = engine.pfs.context.journal.state;
  const good = () => branches.get('default/first@good')?.head;
  assert.equal(good(), id, 'it is at the output commit of the very job');
  assert.deepEqual(await engine.read('second'), { a: '1' });
  // It had a commit of that set already, for the change of data, so that what followed is one of a new set.
  const both = await engine.commit('both');
  assert.notEqual(both.id, id);
  assert.ok(commits.has(`default/both@${id}`));
  assert.equal(both.provenance.find(({ repo }) => repo === 'default/first')?.commit, id);

  await engine.put('data', { b: 'bad' });
  await engine.settled();
  assert.equal(good(), id);
});

it('work is put off by committing to one branch, and released by moving another to it', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.pipeline({ name: 'copy', input: 'data' });
  await engine.settled();
  await engine.put('data@staging', { a: '1' });
  await engine.put('data@staging', { b: '2' });
  const job = await engine.done('copy');
  assert.equal(job.datums.total, 0);
  const move = { repo: 'default/data', branch: 'master', head: 'staging' };
  await putBranch(engine.pfs.context, move, { actor: 'test' });
  assert.equal(counts(await engine.done('copy')), '2/0/0 of 2');
  const jobs = [...engine.pfs.context.journal.state.jobs.values()];
  assert.equal(jobs.length, 2, 'one job for both commits');
});

it('lazy files are pipes that are filled when they are opened; what is not opened is not fetched', async (t) => {
  const engine = await TestEngine.start(t);
  await engine.repos('data');
  await engine.put('data', { 'd/a': 'first', 'd/b': 'second', 'e/c': 'third' });
  const lazy = { pfs: { repo: 'data', glob: '/*', lazy: true } };
  engine.executor.setCode('some', async (run) => {
    const root = run.path('data');
    const [directory = ''] = readdirSync(root);
    const [file = ''] = readdirSync(join(root, directory));
    const path = join(root, directory, file);
    assert.ok(statSync(path).isFIFO());
    run.write(directory, (await readFile(path, 'utf8')) + (await readFile(path, 'utf8')));
  });
  await engine.pipeline({ name: 'some', input: lazy });
  const job = await engine.done('some');
  assert.equal(job.state, 'success', job.reason);
  assert.deepEqual(await engine.read('some'), { d: 'firstfirst', e: 'thirdthird' });
  assert.equal(job.stats.downloadBytes, 2 * ('first'.length + 'third'.length));
});

it('lazy files are ordinary ones where containers get a copy of their inputs', async (t) => {
  const engine = await TestEngine.start(t);
  engine.executor.sharesInputs = false;
  await engine.repos('data');
  await engine.put('data', { a: 'text' });
  const lazy = { pfs: { repo: 'data', glob: '/*', lazy: true } };
  engine.executor.setCode('copy', (run) => {
    run.write('a', String(statSync(join(run.path('data'), 'a')).isFile()));
  });
  await engine.pipeline({ name: 'copy', input: lazy });
  assert.equal((await engine.done('copy')).stats.downloadBytes, 4);
  assert.deepEqual(await engine.read('copy'), { a: 'true' });
});
