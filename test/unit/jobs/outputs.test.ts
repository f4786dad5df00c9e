import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { isEngineError } from '../../../engine/base/errors.ts';
import { emptyDirectory } from '../../../engine/jobs/host-directory.ts';
import { collectOutput } from '../../../engine/jobs/outputs.ts';
import { planShown, type Shown } from '../../../engine/jobs/shown-tree.ts';
import { MemoryContents } from '../../support/memory-contents.ts';
import { scratchDirectory } from '../../support/scratch.ts';

const NO_INPUTS = planShown([]);

function setUp(t: TestContext) {
  const scratch = scratchDirectory(t);
  const out = join(scratch, 'out');
  mkdirSync(out);
  const contents = new MemoryContents();
  const collect = (inputs: Shown = NO_INPUTS) =>
    collectOutput({ directory: out, inputs, writer: contents });
  const file = (path: string, content: string | Buffer = path) => {
    mkdirSync(join(out, path, '..'), { recursive: true });
    writeFileSync(join(out, path), content);
  };
  const dump = async (inputs?: Shown) => contents.dump((await collect(inputs)).tree);
  return { scratch, out, contents, collect, file, dump };
}

/** Asserts that collecting is refused, with the path and the reason. */
async function refuses(promise: Promise<unknown>, path: string, reason: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isEngineError(error, 'invalid'), String(error));
    assert.match(error.message, reason);
    assert.ok(error.message.includes(`"/pfs/out/${path}"`), error.message);
    return true;
  });
}

it('files are stored with their content and executable bit; other bits and empty directories go', async (t) => {
  const { out, file, dump, collect } = setUp(t);
  file('a.txt', 'A');
  file('d/e/f', '');
  file('run.sh', '#!');
  chmodSync(join(out, 'run.sh'), 0o4755);
  mkdirSync(join(out, 'empty/empty'), { recursive: true });
  linkSync(join(out, 'a.txt'), join(out, 'd/hard'));
  assert.deepEqual(await dump(), { 'a.txt': 'A', 'd/e/f': '', 'd/hard': 'A', 'run.sh*': '#!' });
  const { files, bytes } = await collect();
  assert.deepEqual({ files, bytes }, { files: 4, bytes: 4 });
});

it('an output of nothing is no tree', async (t) => {
  const { out, collect } = setUp(t);
  assert.deepEqual(await collect(), { tree: null, files: 0, bytes: 0 });
  mkdirSync(join(out, 'a/b'), { recursive: true });
  assert.deepEqual(await collect(), { tree: null, files: 0, bytes: 0 });
});

it('a large file is streamed, and its directory says so for clones', async (t) => {
  const { contents, collect, file } = setUp(t);
  const bytes = Buffer.alloc(2_500_000, 'pfs');
  file('d/large', bytes);
  file('d/small', 'x');
  const { tree, bytes: read } = await collect();
  assert.equal(read, bytes.length + 1);
  const [d] = await contents.readTree(tree ?? '');
  const names = (await contents.readTree(d?.id ?? '')).map((entry) => entry.name);
  assert.deepEqual(names, ['.gitattributes', 'large', 'small']);
  assert.deepEqual([...(await contents.readDirectory(d?.id ?? '')).large], ['large']);
  assert.equal((await contents.dump(tree))['d/large'], bytes.toString());
});

it('attributes of ours that user code copied are left out; its own are kept', async (t) => {
  const { file, dump } = setUp(t);
  file('a/.gitattributes', '# pfs: made for clones; not a file of this repo\n* -text -ident\n');
  file('a/x', 'X');
  file('b/.gitattributes', '*.png binary\n');
  assert.deepEqual(await dump(), { 'a/x': 'X', 'b/.gitattributes': '*.png binary\n' });
});

it('a link to an input is stored as that content, by its id', async (t) => {
  const { out, contents, collect, dump } = setUp(t);
  const big = 'B'.repeat(1_200_000);
  const tree = await contents.commit({ 'a.txt': 'A', 'd/run': { executable: 'R' }, 'd/big': big });
  const entries = await contents.readTree(tree);
  const a = entries.find((e) => e.name === 'a.txt')?.id ?? '';
  const inputs = planShown([
    { input: 'in', path: '/', mode: '40000', id: tree },
    { input: 'part', path: '/x/a.txt', mode: '100644', id: a },
    { input: 'names', path: '/', mode: '40000', id: tree, emptyFiles: true },
  ]);
  mkdirSync(join(out, 'deep/er'), { recursive: true });
  symlinkSync('/pfs/in/a.txt', join(out, 'absolute'));
  symlinkSync('../../../in/d/run', join(out, 'deep/er/relative'));
  symlinkSync('/pfs/in/d', join(out, 'dir'));
  symlinkSync('/pfs/in', join(out, 'all'));
  symlinkSync('/pfs/part', join(out, 'part'));
  symlinkSync('/pfs/names/a.txt', join(out, 'by-name'));
  symlinkSync('..//./../pfs/./in/d/../a.txt', join(out, 'crooked'));
  contents.fileReads = 0;
  assert.deepEqual(await dump(inputs), {
    absolute: 'A',
    'all/a.txt': 'A',
    'all/d/big': big,
    'all/d/run*': 'R',
    'by-name': 'A',
    crooked: 'A',
    'deep/er/relative*': 'R',
    'dir/big': big,
    'dir/run*': 'R',
    'part/x/a.txt': 'A',
  });
  const collected = await collect(inputs);
  assert.equal(collected.bytes, 0);
  const stored = await contents.readDirectory(collected.tree ?? '');
  const d = entries.find((e) => e.name === 'd')?.id;
  assert.equal(stored.entries.find((e) => e.name === 'dir')?.id, d);
  assert.equal(contents.fileReads, 2, 'only to learn whether a file shown alone is large');
});

it('a link to another output is stored as that content', async (t) => {
  const { out, file, dump } = setUp(t);
  file('real/file', 'F');
  symlinkSync('real/file', join(out, 'a'));
  symlinkSync('real', join(out, 'b'));
  symlinkSync('b/file', join(out, 'c'));
  symlinkSync('/pfs/out/c', join(out, 'd'));
  symlinkSync('../z', join(out, 'real/up'));
  file('z', 'Z');
  assert.deepEqual(await dump(), {
    a: 'F',
    'b/file': 'F',
    'b/up': 'Z',
    c: 'F',
    d: 'F',
    'real/file': 'F',
    'real/up': 'Z',
    z: 'Z',
  });
});

for (const [target, reason] of [
  ['/etc/passwd', /link to "\/etc\/passwd", which is outside \/pfs/],
  ['../../etc/passwd', /outside \/pfs/],
  ['/proc/self/environ', /outside \/pfs/],
  ['/pfs/../etc/passwd', /outside \/pfs/],
  ['/pfs/in/../../etc/passwd', /outside \/pfs/],
  ['nowhere', /does not exist/],
  ['/pfs/in/nowhere', /does not exist/],
  ['/pfs/other/file', /does not exist/],
  ['file/below', /does not exist/],
  ['/pfs/in/a/below', /does not exist/],
  ['/', /not below an input/],
  ['/pfs', /not below an input/],
  ['..', /not below an input/],
  ['.', /holds the link itself/],
  ['/pfs/out', /holds the link itself/],
  ['link', /loop/],
  ['x'.repeat(300), /does not exist/],
] as const) {
  it(`a link to ${target.slice(0, 30)} is refused`, async (t) => {
    const { out, file, collect, contents } = setUp(t);
    const tree = await contents.commit({ a: 'A' });
    file('file');
    symlinkSync(target, join(out, 'link'));
    const inputs = planShown([{ input: 'in', path: '/', mode: '40000', id: tree }]);
    await refuses(collect(inputs), 'link', reason);
  });
}

it('links that lead round through directories are refused', async (t) => {
  const { out, collect } = setUp(t);
  mkdirSync(join(out, 'a'));
  mkdirSync(join(out, 'b'));
  symlinkSync('../b', join(out, 'a/b'));
  symlinkSync('../a', join(out, 'b/a'));
  await refuses(collect(), 'b/a', /holds the link itself/);
});

it('many links that multiply directories cost no more than the directories', async (t) => {
  const { out, file, collect } = setUp(t);
  file('d0/file', 'x');
  for (let i = 1; i <= 40; i++) {
    mkdirSync(join(out, `d${i}`));
    symlinkSync(`../d${i - 1}`, join(out, `d${i}`, 'left'));
    symlinkSync(`../d${i - 1}`, join(out, `d${i}`, 'right'));
  }
  assert.notEqual((await collect()).tree, null);
});

it('named pipes, sockets and devices are refused, and never opened', async (t) => {
  const { out, collect } = setUp(t);
  execFileSync('mkfifo', [join(out, 'pipe')]);
  await refuses(collect(), 'pipe', /named pipe/);
  await emptyDirectory(out);
  const server = createServer().listen(join(out, 'socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  await refuses(collect(), 'socket', /socket/);
  await new Promise((resolve) => server.close(resolve));
  await emptyDirectory(out);
  if (process.getuid?.() === 0) {
    execFileSync('mknod', [join(out, 'zero'), 'c', '1', '5']);
    await refuses(collect(), 'zero', /device/);
  }
});

it('names that Git refuses fail the datum with the reason', async (t) => {
  for (const name of ['.git', '.GIT', 'git~1', 'a\nb', '.g\u200cit']) {
    const { file, collect } = setUp(t);
    file(`d/${name}`, 'x');
    await refuses(collect(), `d/${name}`, /Cannot use the file name/);
  }
});

it('names that are not UTF-8 are refused; a replacement character by itself is a name', async (t) => {
  const { out, file, collect, dump } = setUp(t);
  file('odd\ufffdname', 'x');
  assert.deepEqual(await dump(), { 'odd\ufffdname': 'x' });
  writeFileSync(Buffer.concat([Buffer.from(`${out}/caf`), Buffer.from([0xe9])]), 'x');
  await assert.rejects(collect(), /"café", is not UTF-8/);
});

it('other names are taken as they are', async (t) => {
  const { file, dump } = setUp(t);
  const names = [
    '-rf',
    ' lead',
    'trail ',
    'ü',
    '😀',
    '*',
    '[a]',
    'a\\b',
    '..a',
    '"q"',
    "'",
    '$HOME',
  ];
  for (const name of names) {
    file(name, name);
  }
  assert.deepEqual(Object.keys(await dump()).sort(), [...names].sort());
});

it('a directory that may not be read is for the worker to open', async (t) => {
  if (process.getuid?.() === 0) {
    t.skip('root may read everything');
    return;
  }
  const { out, file, collect } = setUp(t);
  file('d/x', 'x');
  chmodSync(join(out, 'd'), 0);
  await assert.rejects(collect(), { code: 'EACCES' });
});

it('ten thousand files are stored, and removed again', async (t) => {
  const { out, file, collect } = setUp(t);
  for (let i = 0; i < 10_000; i++) {
    file(`d${i % 100}/f${i}`, `content ${i}`);
  }
  let start = performance.now();
  const { files } = await collect();
  t.diagnostic(`${(performance.now() - start).toFixed(0)} ms to collect 10,000 files`);
  assert.equal(files, 10_000);
  start = performance.now();
  await emptyDirectory(out);
  t.diagnostic(`${(performance.now() - start).toFixed(0)} ms to remove them`);
  assert.deepEqual(readdirSync(out), []);
});

it('a path longer than any system call takes is refused, and can be removed', async (t) => {
  const { out, collect } = setUp(t);
  const name = 'd'.repeat(200);
  const script = `cd "$1"; for i in $(seq 60); do mkdir ${name} && cd ${name} || exit 1; done; echo x > file`;
  execFileSync('bash', ['-c', script, 'bash', out]);
  await assert.rejects(collect(), (error) => {
    return isEngineError(error, 'invalid') && /too long|longer than/.test(error.message);
  });
  await emptyDirectory(out);
  assert.deepEqual(readdirSync(out), []);
});

it('emptying a directory follows no link and minds no name, kind or mode', async (t) => {
  const { scratch, out, file } = setUp(t);
  mkdirSync(join(scratch, 'other'));
  writeFileSync(join(scratch, 'other/file'), 'precious');
  symlinkSync(join(scratch, 'other'), join(out, 'link'));
  symlinkSync(join(scratch, 'other/file'), join(out, 'link2'));
  symlinkSync('loop', join(out, 'loop'));
  execFileSync('mkfifo', [join(out, 'pipe')]);
  writeFileSync(Buffer.concat([Buffer.from(`${out}/x`), Buffer.from([0xff])]), 'x');
  file('a/b/c', 'x');
  file('.removing-0', 'mine');
  chmodSync(join(out, 'a/b'), 0o500);
  chmodSync(join(out, 'a'), 0);
  await emptyDirectory(out);
  assert.deepEqual(readdirSync(out), []);
  assert.equal(readFileSync(join(scratch, 'other/file'), 'utf8'), 'precious');
  assert.ok(lstatSync(out).isDirectory());
});

it('a directory that is swapped for a link while outputs are read leads nowhere', async (t) => {
  const { scratch, out, contents, file } = setUp(t);
  mkdirSync(join(scratch, 'host/deep'), { recursive: true });
  writeFileSync(join(scratch, 'host/deep/key'), 'precious');
  for (const [first, swapped] of [
    ['first', 'b'],
    ['b/first', 'b/deep'],
  ] as const) {
    // Files come before the directories beside them.
    file(first, 'x');
    file('b/deep/key', 'mine');
    let isSwapped = false;
    const writer = new MemoryContents();
    writer.writeFile = (bytes) => {
      assert.notEqual(bytes.toString(), 'precious');
      if (!isSwapped) {
        isSwapped = true;
        renameSync(join(out, swapped), join(scratch, 'aside'));
        symlinkSync(join(scratch, 'host', swapped.slice(2)), join(out, swapped));
      }
      return contents.writeFile(bytes);
    };
    const collected = collectOutput({ directory: out, inputs: NO_INPUTS, writer });
    await refuses(collected, swapped, /replaced while it was read/);
    await emptyDirectory(out);
    rmSync(join(scratch, 'aside'), { recursive: true });
  }
});

it('a directory that is swapped for a link while it is emptied leads nowhere', async (t) => {
  const { scratch, out, file } = setUp(t);
  mkdirSync(join(scratch, 'host'));
  writeFileSync(join(scratch, 'host/key'), 'precious');
  for (let i = 0; i < 600; i++) {
    file(`d${i}/key`);
  }
  const emptying = emptyDirectory(out);
  // It gives way after some of them.
  await setImmediate();
  const left = readdirSync(out);
  assert.ok(left.length > 0 && left.length < 600, String(left.length));
  for (const name of left) {
    rmSync(join(out, name), { recursive: true });
    symlinkSync(join(scratch, 'host'), join(out, name));
  }
  await emptying;
  assert.deepEqual(readdirSync(out), []);
  assert.equal(readFileSync(join(scratch, 'host/key'), 'utf8'), 'precious');
});
