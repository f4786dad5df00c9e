import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { EngineError } from '../../../engine/base/errors.ts';
import { SystemRandom } from '../../../engine/base/random.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { FilesystemObjectStore } from '../../../engine/object/filesystem.ts';
import { filesystemError } from '../../../engine/object/filesystem-error.ts';

const options = { clock: new SystemClock(), random: new SystemRandom() };
const folder = await mkdtemp(join(tmpdir(), 'pfs-fs-'));
after(() => rm(folder, { recursive: true }));
let stores = 0;

async function openStore() {
  const directory = join(folder, `${++stores}`, 'deep', 'store');
  return { directory, store: await FilesystemObjectStore.open(directory, options) };
}

async function keysOf(store: FilesystemObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) {
    keys.push(key);
  }
  return keys;
}

it('what killed writers left is removed by an open a day later, and only then', async () => {
  const { directory } = await openStore();
  const temporary = join(directory, '.tmp');
  await mkdir(temporary);
  const day = 24 * 60 * 60;
  for (const [name, age] of [
    ['old', day + 60],
    ['young', day - 60],
  ] as const) {
    await writeFile(join(temporary, name), 'x');
    const then = Date.now() / 1000 - age;
    await utimes(join(temporary, name), then, then);
  }
  const store = await FilesystemObjectStore.open(directory, options);
  assert.deepEqual(await readdir(temporary), ['young']);
  assert.deepEqual(await keysOf(store), []);
});

it('files that start with a dot are no objects, and other people’s files are shown', async () => {
  const { directory, store } = await openStore();
  await writeFile(join(directory, '.DS_Store'), 'x');
  await writeFile(join(directory, 'Holiday Photo.JPG'), 'x');
  assert.deepEqual(await keysOf(store), ['Holiday Photo.JPG']);
});

it('a store whose directory is gone, or was swapped for another, is unavailable and never empty', async () => {
  const { directory, store } = await openStore();
  await store.put('packs/00/a', Buffer.from('a'));
  await rename(directory, `${directory}-moved`);
  for (const swapped of [false, true]) {
    if (swapped) {
      await mkdir(directory);
    }
    const failure = { code: 'unavailable', message: /still mounted/ };
    await assert.rejects(store.get('packs/00/a'), failure);
    await assert.rejects(store.head('packs/00/a'), failure);
    await assert.rejects(store.delete('packs/00/a'), failure);
    await assert.rejects(keysOf(store, 'packs/'), failure);
    await assert.rejects(store.put('logs/00/b', Buffer.from('b')), failure);
  }
  assert.deepEqual(await readdir(directory), [], 'what is somebody else’s is left alone');
});

it('a directory that another process removed is made again', async () => {
  const { directory, store } = await openStore();
  await store.put('logs/00/job/1', Buffer.from('1'));
  const other = await FilesystemObjectStore.open(directory, options);
  await other.delete('logs/00/job/1');
  await assert.rejects(rmdir(join(directory, 'logs/00/job')), { code: 'ENOENT' });
  await store.put('logs/00/job/2', Buffer.from('2'), { ifAbsent: true });
  await rm(join(directory, 'logs'), { recursive: true });
  await store.put('logs/00/job/3', Buffer.from('3'));
  assert.deepEqual(await keysOf(store), ['logs/00/job/3']);
});

it('writers and deleters of one directory do not get in each other’s way', async () => {
  const { directory, store } = await openStore();
  const other = await FilesystemObjectStore.open(directory, options);
  await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const key = `logs/00/job/${i}`;
      await store.put(key, Buffer.from(`${i}`), { ifAbsent: true });
      assert.equal((await other.get(key)).toString(), `${i}`);
      await other.delete(key);
    }),
  );
  assert.deepEqual(await keysOf(store), []);
});

it('temporary files that were swept away together with their directory are no obstacle', async () => {
  const { directory, store } = await openStore();
  await store.put('first', Buffer.from('v'));
  await rm(join(directory, '.tmp'), { recursive: true });
  await store.put('k', Buffer.from('v'));
  assert.equal((await store.get('k')).toString(), 'v');
});

it('a put that fails leaves no temporary file', async () => {
  const { directory, store } = await openStore();
  await writeFile(join(directory, 'packs'), 'a file where a directory belongs');
  await assert.rejects(store.put('packs/00/a', Buffer.from('a')), { code: 'failed_precondition' });
  await mkdir(join(directory, 'taken'));
  await assert.rejects(store.put('taken', Buffer.from('a')), { code: 'failed_precondition' });
  await assert.rejects(store.put('taken', Buffer.from('a'), { ifAbsent: true }), {
    code: 'failed_precondition',
  });
  assert.deepEqual(await readdir(join(directory, '.tmp')), []);
});

it('a store cannot be opened at a file, and the sentence names it', async () => {
  const path = join(folder, 'a-file');
  await writeFile(path, 'x');
  await assert.rejects(FilesystemObjectStore.open(path, options), {
    code: /^(failed_precondition|unavailable)$/,
    message: /Cannot open store ".*a-file"/,
  });
  await assert.rejects(FilesystemObjectStore.open(join(path, 'below'), options), {
    code: 'failed_precondition',
  });
});

for (const [system, code, words] of [
  ['ENOSPC', 'resource_exhausted', /free some space/],
  ['EDQUOT', 'resource_exhausted', /quota/],
  ['EROFS', 'failed_precondition', /read-only/],
  ['EACCES', 'failed_precondition', /permission/],
  ['EPERM', 'failed_precondition', /permission.*hard links/],
  ['EXDEV', 'failed_precondition', /hard links/],
  ['ENOTDIR', 'failed_precondition', /file stands where a directory belongs/],
  ['EMFILE', 'unavailable', /ulimit -n/],
  ['EIO', 'unavailable', /check the disk/],
  ['ESTALE', 'unavailable', /check the disk/],
  ['ENOENT', 'unavailable', /check the disk/],
] as const) {
  it(`${system} is told as ${code} with what to do, and with its cause`, () => {
    const cause = Object.assign(new Error(`${system}: made up`), { code: system });
    const error = filesystemError(cause, 'Cannot write object "k" of file:///s');
    assert.ok(error instanceof EngineError);
    assert.equal(error.code, code);
    assert.match(error.message, words);
    assert.match(error.message, /^Cannot write object "k" of file:\/\/\/s: /);
    assert.equal(error.cause, cause);
  });
}
