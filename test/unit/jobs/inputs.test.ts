import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import type { MountEntry } from '../../../engine/jobs/datum-task.ts';
import { FileCache } from '../../../engine/jobs/file-cache.ts';
import { InputDirectory } from '../../../engine/jobs/inputs.ts';
import { MemoryContents } from '../../support/memory-contents.ts';
import { scratchDirectory } from '../../support/scratch.ts';

function setUp(t: TestContext, isReadOnly = true) {
  const scratch = scratchDirectory(t);
  const contents = new MemoryContents();
  const cache = new FileCache(join(scratch, 'cache'), { maxBytes: 1e8, minFreeBytes: 0 });
  const directory = join(scratch, 'pfs');
  const inputs = new InputDirectory(directory, { cache, isReadOnly });
  const show = (entries: MountEntry[], signal?: AbortSignal) =>
    inputs.show(entries, { contents, ...(signal ? { signal } : {}) });
  return { directory, contents, cache, inputs, show };
}

/** Lists files below a directory with their content; directories end in a slash. */
function list(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const name = path.slice(directory.length + 1);
    if (entry.isDirectory()) {
      found[`${name}/`] = '';
    } else {
      found[name] = readFileSync(path, 'utf8');
    }
  }
  return found;
}

const whole = (input: string, id: string): MountEntry => ({ input, path: '/', mode: '40000', id });

it('shows files and directories at their paths in the repo, without the attributes of ours', async (t) => {
  const { contents, show, directory } = setUp(t);
  const big = 'B'.repeat(1_100_000);
  const tree = await contents.commit({
    'a.txt': 'A',
    'dir/b.txt': { executable: 'B' },
    'dir/big': big,
  });
  const dir = (await contents.readDirectory(tree)).entries.find((e) => e.name === 'dir');
  assert.ok((await contents.readTree(tree)).some((e) => e.name === '.gitattributes'));
  const stats = await show([
    whole('all', tree),
    { input: 'part', path: '/deep/dir', mode: '40000', id: dir?.id ?? '' },
  ]);
  assert.deepEqual(list(directory), {
    'out/': '',
    'all/': '',
    'all/a.txt': 'A',
    'all/dir/': '',
    'all/dir/b.txt': 'B',
    'all/dir/big': big,
    'part/': '',
    'part/deep/': '',
    'part/deep/dir/': '',
    'part/deep/dir/b.txt': 'B',
    'part/deep/dir/big': big,
  });
  assert.deepEqual(stats, { files: 5, bytes: 3 + 2 * big.length });
  assert.equal(lstatSync(join(directory, 'all/dir/b.txt')).mode & 0o777, 0o555);
  assert.equal(lstatSync(join(directory, 'all/dir')).mode & 0o777, 0o755);
});

it("a user's own .gitattributes is shown", async (t) => {
  const { contents, show, directory } = setUp(t);
  await show([whole('in', await contents.commit({ '.gitattributes': '*.png binary\n', a: 'A' }))]);
  assert.equal(list(directory)['in/.gitattributes'], '*.png binary\n');
});

it('from one datum to the next only the difference changes', async (t) => {
  const { contents, show, directory } = setUp(t);
  const one = await contents.commit({
    same: 'S',
    'dir/kept': 'K',
    'dir/old': 'O',
    'sub/x': 'X',
    f: 'file',
  });
  const two = await contents.commit({
    same: 'S',
    'dir/kept': 'K',
    'dir/new': 'N',
    'sub/x': 'X',
    'f/g': 'G',
  });
  await show([whole('in', one), whole('fixed', one)]);
  const inode = (path: string) => lstatSync(join(directory, path)).ino;
  const kept = ['in/same', 'in/sub', 'in/dir', 'in/dir/kept', 'fixed', 'fixed/dir'];
  const before = kept.map(inode);
  contents.treeReads = 0;
  const stats = await show([whole('in', two), whole('fixed', one)]);
  assert.deepEqual(kept.map(inode), before);
  assert.deepEqual(stats, { files: 2, bytes: 2 });
  const files = list(join(directory, 'in'));
  assert.deepEqual(Object.keys(files).sort(), [
    'dir/',
    'dir/kept',
    'dir/new',
    'f/',
    'f/g',
    'same',
    'sub/',
    'sub/x',
  ]);
  contents.treeReads = 0;
  assert.deepEqual(await show([whole('in', two), whole('fixed', one)]), { files: 0, bytes: 0 });
  assert.equal(contents.treeReads, 0, 'unchanged trees are not even read');
});

it('matches of one input stand side by side, and an input that is gone is removed', async (t) => {
  const { contents, show, directory } = setUp(t);
  const file = (input: string, path: string, text: string): MountEntry => {
    const { id } = contents.writeFile(Buffer.from(text));
    return { input, path, mode: '100644', id };
  };
  await show([file('a', '/x/1', 'one'), file('a', '/x/2', 'two'), file('b', '/y', 'why')]);
  assert.deepEqual(list(directory), {
    'out/': '',
    'a/': '',
    'a/x/': '',
    'a/x/1': 'one',
    'a/x/2': 'two',
    'b/': '',
    'b/y': 'why',
  });
  await show([file('a', '/x/2', 'two')]);
  assert.deepEqual(list(directory), { 'out/': '', 'a/': '', 'a/x/': '', 'a/x/2': 'two' });
  await show([]);
  assert.deepEqual(list(directory), { 'out/': '' });
});

it('an input of empty files shows names only, and reads no content', async (t) => {
  const { contents, show, directory } = setUp(t);
  const tree = await contents.commit({ a: 'A', 'd/b': { executable: 'B' } });
  await show([{ ...whole('in', tree), emptyFiles: true }]);
  assert.deepEqual(list(directory), {
    'out/': '',
    'in/': '',
    'in/a': '',
    'in/d/': '',
    'in/d/b': '',
  });
  assert.equal(contents.fileReads, 0);
  await show([whole('in', tree)]);
  assert.equal(list(directory)['in/a'], 'A');
});

it('what an earlier process left is removed first', async (t) => {
  const { contents, show, directory } = setUp(t);
  mkdirSync(join(directory, 'old'), { recursive: true });
  writeFileSync(join(directory, 'old', 'file'), 'x');
  await show([whole('in', await contents.commit({ a: 'A' }))]);
  assert.deepEqual(list(directory), { 'out/': '', 'in/': '', 'in/a': 'A' });
});

it('where user code could write to its inputs every datum gets new copies', async (t) => {
  const { contents, show, directory } = setUp(t, false);
  const tree = await contents.commit({ a: 'A' });
  await show([whole('in', tree)]);
  const path = join(directory, 'in/a');
  chmodSync(path, 0o644);
  writeFileSync(path, 'spoiled');
  writeFileSync(join(directory, 'in/more'), 'more');
  await show([whole('in', tree)]);
  assert.deepEqual(list(directory), { 'out/': '', 'in/': '', 'in/a': 'A' });
  assert.equal(lstatSync(path).nlink, 1);
});

it('a failure on the way leaves nothing wrong for the next datum', async (t) => {
  const { contents, show, directory } = setUp(t);
  const bad = await contents.commit({ a: '1', b: '2', c: '3' });
  const good = await contents.commit({ a: '1', b: 'two' });
  contents.intercept = async (_id, content) => {
    if (content.kind === 'small' && content.bytes.toString() === '2') {
      throw new Error('unreachable');
    }
    return content;
  };
  await assert.rejects(show([whole('in', bad)]));
  await show([whole('in', good)]);
  assert.deepEqual(list(directory), { 'out/': '', 'in/': '', 'in/a': '1', 'in/b': 'two' });
});

it('an aborted signal stops it', async (t) => {
  const { contents, show } = setUp(t);
  const tree = await contents.commit({ a: '1' });
  await assert.rejects(show([whole('in', tree)], AbortSignal.abort()), (error) =>
    isEngineError(error, 'cancelled'),
  );
});

it('names that this machine can not hold fail with the name', async (t) => {
  const { contents, show } = setUp(t);
  const name = 'long'.repeat(60);
  const path = Array.from({ length: 20 }, () => name).join('/');
  const tree = await contents.commit({ [path]: 'deep' });
  await assert.rejects(
    show([whole('in', tree)]),
    (error) => isEngineError(error, 'invalid') && /longlong/.test(error.message),
  );
});

it('an input may not take the place of the output', async (t) => {
  const { contents, show } = setUp(t);
  const tree = await contents.commit({ a: '1' });
  await assert.rejects(show([whole('out', tree)]), (error) => isEngineError(error, 'invalid'));
});

it('ten thousand files are linked in well under a second once they are cached', async (t) => {
  const { contents, show, inputs } = setUp(t);
  const files: Record<string, string> = {};
  for (let i = 0; i < 10_000; i++) {
    files[`d${i % 100}/f${i}`] = `content ${i % 5000}`;
  }
  const tree = await contents.commit(files);
  await show([whole('in', tree)]);
  await inputs.clear();
  const start = performance.now();
  const stats = await show([whole('in', tree)]);
  const ms = performance.now() - start;
  assert.equal(stats.files, 10_000);
  t.diagnostic(`${ms.toFixed(0)} ms to link 10,000 files`);
  assert.ok(ms < 10_000);
});
