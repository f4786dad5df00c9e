import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { DirectoryTarget } from '../../../engine/egress/directory-target.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { NEVER, outgoing } from './rig.ts';

type Test = Parameters<typeof scratchDirectory>[0];

function rig(t: Test, more: { readonly directory?: string } = {}) {
  const root = scratchDirectory(t);
  const allowed = join(root, 'allowed');
  mkdirSync(allowed);
  const directory = more.directory ?? join(allowed, 'out');
  const target = (at: string) =>
    new DirectoryTarget({
      directory: at,
      allowed: [allowed],
      forbidden: [join(root, 'home')],
      sender: 'p',
    });
  return { root, allowed, directory, target: target(directory), at: target };
}

function tree(directory: string): Record<string, string> {
  const found = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    found
      .filter((name) => statSync(join(directory, name)).isFile())
      .map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
  );
}

it('what was put before and is gone vanishes, with its empty directories; what others put stays', async (t) => {
  const { directory, target } = rig(t);
  const first = { a: '1', 'd/b': '2', 'd/e/c': '3' };
  await target.send(outgoing(first, { executable: ['a'] }), NEVER);
  assert.deepEqual(tree(directory), first);
  assert.equal(statSync(join(directory, 'a')).mode & 0o777, 0o755);
  writeFileSync(join(directory, 'd/mine'), 'of somebody else');
  const second = { a: '1', d2: '4', 'd/b': 'new' };
  const out = outgoing(second, { before: [first], isKnown: true, executable: ['a'] });
  await target.send(out, NEVER);
  assert.deepEqual(tree(directory), { ...second, 'd/mine': 'of somebody else' });
  assert.ok(!existsSync(join(directory, 'd/e')));
  assert.deepEqual(out.reads, ['d/b', 'd2'], 'what is there is not written again');
});

it('a file that somebody removed or changed in length is put again', async (t) => {
  const { directory, target } = rig(t);
  const files = { a: '1', b: '2' };
  await target.send(outgoing(files), NEVER);
  writeFileSync(join(directory, 'a'), 'longer');
  await target.send(outgoing({ ...files }, { before: [files], isKnown: true }), NEVER);
  assert.deepEqual(tree(directory), files);
});

it('an attempt that was cut off is made good by the next, and leaves nothing behind', async (t) => {
  const { directory, target } = rig(t);
  const first = { 'x/old': '1' };
  await target.send(outgoing(first), NEVER);
  const second = { a: '1', b: '2', c: '3' };
  await assert.rejects(target.send(outgoing(second, { before: [first], breaksAt: 'b' }), NEVER));
  const third = { b: 'other', x: 'a file now' };
  await target.send(outgoing(third, { before: [first, second] }), NEVER);
  assert.deepEqual(tree(directory), third);
});

it('only directories that are allowed are written to, and none of the engine', async (t) => {
  const { root, allowed, at } = rig(t);
  mkdirSync(join(root, 'home'));
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      join(root, 'elsewhere'),
      /not below a directory that the engine allows.*PFS_EGRESS_DIRECTORIES/,
    ],
    [join(root, 'allowed-too'), /not below a directory/],
    [`${allowed}/../home`, /not below|no directory/],
  ];
  for (const [directory, says] of cases) {
    await assert.rejects(at(join(directory)).send(outgoing({ a: '1' }), NEVER), {
      code: 'failed_precondition',
      message: says,
    });
  }
  const none = new DirectoryTarget({ directory: root, allowed: [], forbidden: [], sender: 'p' });
  await assert.rejects(none.send(outgoing({}), NEVER), { message: /allows no directory/ });
  const own = new DirectoryTarget({
    directory: join(root, 'home/x'),
    allowed: [root],
    forbidden: [join(root, 'home')],
    sender: 'p',
  });
  await assert.rejects(own.send(outgoing({}), NEVER), { message: /engine's own/ });
  symlinkSync(root, join(root, 'by-link'));
  const linked = new DirectoryTarget({
    directory: join(root, 'home/x'),
    allowed: [root],
    forbidden: [join(root, 'by-link/home')],
    sender: 'p',
  });
  await assert.rejects(linked.send(outgoing({}), NEVER), { message: /engine's own/ });
});

it('a file is whole where the system takes less of each write than it is given', async (t) => {
  const { root, directory, target } = rig(t);
  const handles = await handlePrototype(root);
  const write = handles.write as (bytes: Uint8Array, at: number, length: number) => unknown;
  t.mock.method(handles, 'write', function (this: FileHandle, bytes: Uint8Array) {
    return write.call(this, bytes, 0, Math.ceil(bytes.length / 2));
  });
  await target.send(outgoing({ a: 'all of it' }), NEVER);
  assert.deepEqual(tree(directory), { a: 'all of it' });
});

it('all is durable once it is sent: files, and the directories in which a name is new', async (t) => {
  const { root, allowed, at } = rig(t);
  const handles = await handlePrototype(root);
  const synced = new Set<string>();
  const { sync } = handles;
  t.mock.method(handles, 'sync', function (this: FileHandle) {
    synced.add(readlinkSync(`/proc/self/fd/${this.fd}`));
    return sync.call(this);
  });
  await at(join(allowed, 'new/out')).send(outgoing({ 'd/e/a': '1' }), NEVER);
  const places = ['', '/new', '/new/out', '/new/out/d', '/new/out/d/e'];
  assert.deepEqual(
    places.filter((place) => !synced.has(allowed + place)),
    [],
  );
  assert.ok([...synced].some((path) => /\/\.pfs-egress-\w+\/file$/.test(path)));
});

async function handlePrototype(directory: string): Promise<FileHandle> {
  const handle = await open(directory, 'r');
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

it('no link is followed: not on the way to the directory, and not in it', async (t) => {
  const { root, allowed, directory, target, at } = rig(t);
  const outside = join(root, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'precious'), 'untouched');
  symlinkSync(outside, join(allowed, 'link'));
  await assert.rejects(at(join(allowed, 'link/deep')).send(outgoing({ a: '1' }), NEVER), {
    message: /no directory/,
  });
  mkdirSync(directory);
  symlinkSync(outside, join(directory, 'd'));
  await assert.rejects(target.send(outgoing({ 'd/precious': 'mine' }), NEVER), {
    message: /"d" is no directory.*move it away/,
  });
  await target.send(outgoing({}, { before: [{ 'd/precious': 'mine' }] }), NEVER);
  symlinkSync(join(outside, 'precious'), join(directory, 'f'));
  await target.send(outgoing({ f: 'a file of its own' }), NEVER);
  assert.equal(readFileSync(join(outside, 'precious'), 'utf8'), 'untouched');
  assert.equal(readFileSync(join(directory, 'f'), 'utf8'), 'a file of its own');
});

it('a directory of others in the way, and one that may not be written to, are errors that say so', async (t) => {
  const { directory, target } = rig(t);
  mkdirSync(join(directory, 'a'), { recursive: true });
  await assert.rejects(target.send(outgoing({ a: '1' }), NEVER), { message: /pfs did not make/ });
  if (process.getuid?.() !== 0) {
    chmodSync(directory, 0o555);
    await assert.rejects(target.send(outgoing({ b: '1' }), NEVER), {
      message: /EACCES.*who may write/,
    });
    chmodSync(directory, 0o755);
  }
});
