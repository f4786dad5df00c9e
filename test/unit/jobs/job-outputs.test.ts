// What a job's output is made of, thousands of datums at a time.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { JobOutputs } from '../../../engine/jobs/job-outputs.ts';
import type { WriteSession } from '../../../engine/pfs/write-session.ts';
import type { Datum } from '../../../engine/pipeline/datum-identity.ts';
import { openTestPfs } from '../../support/pfs.ts';

const datum = (id: string): Datum => ({ id, hash: id, inputs: [] });

/** Stores files, by path with at most one directory, as what a datum wrote. */
async function wrote(session: WriteSession, ...paths: string[]): Promise<string> {
  const folders = new Map<string, [string, string][]>();
  for (const path of paths) {
    const [name = '', folder = ''] = path.split('/').reverse();
    const id = await session.blob(Buffer.from(path));
    folders.set(folder, [...(folders.get(folder) ?? []), [name, id]]);
  }
  const entries = (folders.get('') ?? []).map(
    ([name, id]) => ({ name, mode: '100644', id }) as const,
  );
  const trees = [];
  for (const [folder, files] of folders) {
    if (folder !== '') {
      const list = files.map(([name, id]) => ({ name, mode: '100644', id }) as const);
      trees.push({ name: folder, mode: '40000', id: await session.tree(list) } as const);
    }
  }
  return await session.tree([...entries, ...trees].sort((a, b) => (a.name < b.name ? -1 : 1)));
}

async function pathsOf(session: WriteSession, tree: string | null): Promise<string[]> {
  const paths: string[] = [];
  for (const { name, mode, id } of tree === null ? [] : await session.readTree(tree)) {
    if (mode === '40000') {
      paths.push(...(await pathsOf(session, id)).map((below) => `${name}/${below}`));
    } else if (name !== '.gitattributes') {
      paths.push(name);
    }
  }
  return paths.sort();
}

const noWriters = async () => [];

it('what is united in batches is what would be united at once', async () => {
  const { context } = await openTestPfs();
  const session = context.newSession();
  const base = await wrote(session, 'kept', 'd/kept', 'old1', 'd/old2', 'old3');
  const [batches, atOnce] = [new JobOutputs({ maxHeld: 3 }), new JobOutputs()];
  for (const outputs of [batches, atOnce]) {
    for (const path of ['old1', 'd/old2', 'old3']) {
      outputs.remove(await wrote(session, path));
      await outputs.gather(session);
    }
    for (let n = 0; n < 10; n++) {
      const tree = n === 4 ? null : await wrote(session, `new${n}`, `d/new${n}`);
      outputs.add({ datum: datum(`${n}`), tree });
      await outputs.gather(session);
    }
  }
  assert.equal(atOnce.isFull, false);
  const tree = await batches.tree(session, { base, findWriters: noWriters });
  assert.equal(tree, await atOnce.tree(session, { base, findWriters: noWriters }));
  const numbers = [0, 1, 2, 3, 5, 6, 7, 8, 9];
  const expected = ['d/kept', 'kept', ...numbers.flatMap((n) => [`new${n}`, `d/new${n}`])].sort();
  assert.deepEqual(await pathsOf(session, tree), expected);
});

it('two datums that write one path are both named, also when they came in different batches', async () => {
  const { context } = await openTestPfs();
  const session = context.newSession();
  const outputs = new JobOutputs({ maxHeld: 2 });
  for (const [id, path] of Object.entries({ a: 'one', b: 'two', c: 'three', d: 'one' })) {
    outputs.add({ datum: datum(id), tree: await wrote(session, path) });
    await outputs.gather(session);
  }
  const asked: string[] = [];
  const findWriters = async (path: string) => {
    asked.push(path);
    return [datum('a'), datum('d')];
  };
  await assert.rejects(outputs.tree(session, { base: null, findWriters }), {
    code: 'failed_precondition',
    message:
      'two datums wrote the same output path "/one": a () and d (); make the path depend on the input',
  });
  assert.deepEqual(asked, ['one']);
});

it('a path that would be a file and a directory is refused at the end, not before all datums have run', async () => {
  const { context } = await openTestPfs();
  const session = context.newSession();
  const outputs = new JobOutputs({ maxHeld: 2 });
  for (const path of ['x', 'x/below', 'y', 'z']) {
    outputs.add({ datum: datum(path), tree: await wrote(session, path) });
    await outputs.gather(session);
  }
  await assert.rejects(outputs.tree(session, { base: null, findWriters: noWriters }), {
    code: 'invalid',
  });
});

it('a job in which nothing changed has the tree of the job before, and reads nothing for it', async () => {
  const { context } = await openTestPfs();
  const session = context.newSession();
  const base = '1'.repeat(40);
  const outputs = new JobOutputs();
  assert.equal(await outputs.tree(session, { base, findWriters: noWriters }), base);
});
