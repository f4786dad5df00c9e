import assert from 'node:assert/strict';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { FileCache, type FileCacheOptions } from '../../../engine/jobs/file-cache.ts';
import { MemoryContents } from '../../support/memory-contents.ts';
import { scratchDirectory } from '../../support/scratch.ts';

function setUp(t: TestContext, options: Partial<FileCacheOptions> = {}) {
  const directory = scratchDirectory(t);
  const contents = new MemoryContents();
  const open = () =>
    new FileCache(join(directory, 'cache'), {
      maxBytes: 1_000_000,
      minFreeBytes: 1,
      freeBytes: async () => 1e12,
      ...options,
    });
  const cache = open();
  let count = 0;
  const place = async (id: string, more: { executable?: boolean; copy?: boolean } = {}) => {
    const target = join(directory, `target-${count++}`);
    const { executable = false, ...rest } = more;
    await cache.place({ id, executable }, { contents, target, ...rest });
    return target;
  };
  return { directory, contents, cache, open, place };
}

const blob = (contents: MemoryContents, text: string) => contents.writeFile(Buffer.from(text)).id;

it('a placed file is a read-only link with its content and a fixed time', async (t) => {
  const { contents, place } = setUp(t);
  const id = blob(contents, 'hello');
  const plain = await place(id);
  const program = await place(id, { executable: true });
  assert.equal(readFileSync(plain, 'utf8'), 'hello');
  const stat = lstatSync(plain);
  assert.equal(stat.mode & 0o777, 0o444);
  assert.equal(stat.mtimeMs, 0);
  assert.equal(stat.nlink, 2);
  assert.equal(lstatSync(program).mode & 0o777, 0o555);
  assert.notEqual(lstatSync(program).ino, stat.ino);
});

it('a large file is fetched as a stream and placed whole', async (t) => {
  const { contents, place, cache } = setUp(t, { maxBytes: 10_000_000 });
  const bytes = Buffer.alloc(3_000_000, 'abcdefg');
  const target = await place(contents.large(bytes).id);
  assert.ok(readFileSync(target).equals(bytes));
  assert.equal(cache.bytes, bytes.length);
});

it('many requests for one file fetch it once', async (t) => {
  const { contents, place } = setUp(t);
  const id = blob(contents, 'once');
  const targets = await Promise.all(Array.from({ length: 20 }, () => place(id)));
  assert.equal(contents.fileReads, 1);
  assert.equal(new Set(targets.map((target) => lstatSync(target).ino)).size, 1);
});

it('a fetch that fails fails everybody who waits for it, and is tried anew afterwards', async (t) => {
  const { contents, place, directory } = setUp(t);
  const id = blob(contents, 'flaky');
  contents.intercept = async () => {
    throw new Error('no connection');
  };
  const results = await Promise.allSettled([place(id), place(id)]);
  assert.ok(results.every((result) => result.status === 'rejected'));
  contents.intercept = undefined;
  assert.equal(readFileSync(await place(id), 'utf8'), 'flaky');
  assert.deepEqual(
    readdirSync(join(directory, 'cache')).filter((name) => name.startsWith('fetching')),
    [],
  );
});

it('content that is shorter or longer than announced is never placed', async (t) => {
  for (const size of [2, 200]) {
    const { contents, place, cache } = setUp(t);
    const id = blob(contents, 'x'.repeat(100));
    contents.intercept = async () => ({
      kind: 'large',
      size,
      read: async function* () {
        yield Buffer.alloc(100);
      },
    });
    await assert.rejects(place(id), (error) => isEngineError(error, 'corrupt'));
    assert.equal(cache.bytes, 0);
  }
});

it('copies are files of their own', async (t) => {
  const { contents, place } = setUp(t);
  const id = blob(contents, 'mine');
  const [a, b] = [await place(id, { copy: true }), await place(id, { copy: true })];
  chmodSync(a, 0o644);
  writeFileSync(a, 'changed');
  assert.equal(readFileSync(b, 'utf8'), 'mine');
  assert.equal(readFileSync(await place(id), 'utf8'), 'mine');
});

it('a later process finds the files of an earlier one and fetches none again', async (t) => {
  const { contents, place, open, directory } = setUp(t);
  const id = blob(contents, 'kept');
  await place(id);
  const later = open();
  const size = await later.place(
    { id, executable: false },
    { contents, target: join(directory, 'again') },
  );
  assert.equal(size, 4);
  assert.equal(later.bytes, 4);
  assert.equal(contents.fileReads, 1);
});

it('a file that was cut short while no process looked is fetched again', async (t) => {
  const { contents, place, open, directory } = setUp(t);
  const id = blob(contents, 'whole');
  rmSync(await place(id));
  const shard = join(directory, 'cache', id.slice(0, 2));
  const [name = ''] = readdirSync(shard);
  chmodSync(join(shard, name), 0o644);
  truncateSync(join(shard, name), 2);
  const target = join(directory, 'again');
  const later = open();
  await later.place({ id, executable: false }, { contents, target });
  assert.equal(readFileSync(target, 'utf8'), 'whole');
  assert.equal(later.bytes, 5);
});

it('half-fetched files of an earlier process and names of others are left out', async (t) => {
  const { contents, directory, open } = setUp(t);
  mkdirSync(join(directory, 'cache'));
  writeFileSync(join(directory, 'cache', 'fetching-7'), 'half');
  mkdirSync(join(directory, 'cache', 'aa'));
  writeFileSync(join(directory, 'cache', 'aa', 'notes.txt'), 'mine');
  const cache = open();
  const id = blob(contents, 'x');
  await cache.place({ id, executable: false }, { contents, target: join(directory, 't') });
  assert.equal(cache.bytes, 1);
  assert.ok(!readdirSync(join(directory, 'cache')).includes('fetching-7'));
});

it('a cached file that somebody removed is fetched again', async (t) => {
  const { contents, place, directory } = setUp(t);
  const id = blob(contents, 'gone');
  await place(id);
  rmSync(join(directory, 'cache', id.slice(0, 2)), { recursive: true });
  mkdirSync(join(directory, 'cache', id.slice(0, 2)));
  assert.equal(readFileSync(await place(id), 'utf8'), 'gone');
});

it('over its cap the least recently used file goes first', async (t) => {
  const { contents, place, cache } = setUp(t, { maxBytes: 250 });
  const ids = ['a', 'b', 'c'].map((letter) => blob(contents, letter.repeat(100)));
  const [a = '', b = '', c = ''] = ids;
  rmSync(await place(a));
  rmSync(await place(b));
  rmSync(await place(a));
  rmSync(await place(c));
  assert.equal(cache.bytes, 200);
  const before = contents.fileReads;
  await place(a);
  assert.equal(contents.fileReads, before, 'a was used after b and stayed');
  await place(b);
  assert.equal(contents.fileReads, before + 1);
});

it('a file in use is not dropped, and what has no room is refused with the cap', async (t) => {
  const { contents, place, cache } = setUp(t, { maxBytes: 250 });
  const inUse = await place(blob(contents, 'a'.repeat(200)));
  await assert.rejects(
    place(blob(contents, 'b'.repeat(100))),
    (error) =>
      isEngineError(error, 'resource_exhausted') && /250 bytes, and 200/.test(error.message),
  );
  rmSync(inUse);
  await place(blob(contents, 'b'.repeat(100)));
  assert.equal(cache.bytes, 100);
});

it('where the disk would become too full it drops what it can, then refuses', async (t) => {
  let free = 1_000;
  const { contents, place, cache } = setUp(t, {
    minFreeBytes: 500,
    freeBytes: async () => free,
  });
  rmSync(await place(blob(contents, 'a'.repeat(300))));
  free = 700;
  await assert.rejects(
    place(blob(contents, 'b'.repeat(400))),
    (error) => isEngineError(error, 'resource_exhausted') && /must stay free/.test(error.message),
  );
  assert.equal(cache.bytes, 0, 'the unused file was dropped first');
  free = 1_000;
  assert.equal(readFileSync(await place(blob(contents, 'b'.repeat(400))), 'utf8').length, 400);
});

it('concurrent fetches together stay within the cap', async (t) => {
  const { contents, place, cache } = setUp(t, { maxBytes: 1000 });
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) => place(blob(contents, `${i}`.padEnd(100, '.')))),
  );
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 10);
  assert.equal(cache.bytes, 1000);
});

it('a file with as many links as the file system allows is copied', async (t) => {
  const { contents, place, directory, cache } = setUp(t);
  const id = blob(contents, 'popular');
  const first = await place(id);
  let links = 2;
  try {
    for (; links < 70_000; links++) {
      linkSync(first, join(directory, `link-${links}`));
    }
  } catch {
    const copy = await place(id);
    assert.equal(lstatSync(copy).nlink, 1);
    assert.equal(readFileSync(copy, 'utf8'), 'popular');
    assert.equal(cache.tryLink({ id, executable: false }, join(directory, 'more')), undefined);
    return;
  }
  t.skip('this file system allows more than 70,000 links');
});

it('a name that the disk can not hold is invalid, and says so', async (t) => {
  const { contents, cache, directory } = setUp(t);
  const id = blob(contents, 'x');
  const target = join(directory, 'n'.repeat(300));
  await assert.rejects(
    cache.place({ id, executable: false }, { contents, target }),
    (error) => isEngineError(error, 'invalid') && /too long/.test(error.message),
  );
});
