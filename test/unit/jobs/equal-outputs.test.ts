// An output that is the same as before costs those who read it one comparison, however large it is: told by what is
// read, not by time.

import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { GitObjects } from '../../../engine/git/git-objects.ts';
import { counts, TestEngine } from '../../support/engine.ts';

const leaf = (repo: string, glob = '/*/*') => ({ pfs: { name: repo, repo, glob } });

/** What reads the output of `same`, in every way that inputs combine. */
const INPUTS = {
  plain: leaf('same'),
  crossed: { cross: [leaf('same'), leaf('few', '/*')] },
  joined: {
    join: [
      { pfs: { name: 'a', repo: 'same', glob: '/*/(*)', join_on: '$1' } },
      { pfs: { name: 'b', repo: 'same', glob: '/*/(*)', join_on: '$1' } },
    ],
  },
};

/**
 * Runs pipelines on the output of one that writes so many files, the same ones whatever it reads; returns how often
 * objects are looked at when its input changes.
 */
async function looksOf(t: TestContext, files: number): Promise<number> {
  const engine = await TestEngine.start(t);
  await engine.repos('data', 'few');
  await engine.put('few', { x: 'x' });
  engine.executor.setCode('same', (run) => {
    for (let n = 0; n < files; n++) {
      run.write(`d${n % 10}/f${n}`, `${n}`);
    }
  });
  await engine.put('data', { file: '1' });
  await engine.pipeline({ name: 'same', input: 'data', glob: '/' });
  const names = Object.keys(INPUTS) as (keyof typeof INPUTS)[];
  for (const name of names) {
    engine.executor.setCode(name, () => undefined);
    await engine.pipeline({ name, input: INPUTS[name], parallelism_spec: { constant: 2 } });
  }
  await engine.settled();
  const { objects } = engine.pfs.context as { objects: GitObjects };
  const [readTree, stat] = [objects.readTree.bind(objects), objects.stat.bind(objects)];
  let looks = 0;
  Object.assign(objects, {
    readTree: (id: string) => {
      looks += 1;
      return readTree(id);
    },
    stat: (id: string) => {
      looks += 1;
      return stat(id);
    },
  });
  const before = engine.executor.runs.length;
  await engine.put('data', { file: '2' });
  await engine.settled();
  Object.assign(objects, { readTree, stat });
  assert.equal(engine.executor.runs.length - before, 1, 'only the first pipeline runs a datum');
  for (const name of names) {
    const job = await engine.done(name);
    assert.deepEqual([job.state, counts(job)], ['success', `0/${files}/0 of ${files}`], name);
  }
  assert.deepEqual(engine.problems, []);
  return looks;
}

it('equal outputs stop the wave: the next jobs read no more of a large output than of a small one', async (t) => {
  const few = await looksOf(t, 20);
  const many = await looksOf(t, 100);
  t.diagnostic(`${few} and ${many} looks at objects`);
  assert.equal(many, few);
});
