import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import type { StagingOptions } from '../../../engine/pfs/staging.ts';
import { putFiles } from '../../../engine/pfs/upload.ts';
import {
  ACTOR,
  createRepos,
  gather,
  openTestPfs,
  type Pfs,
  readAll,
  readBytes,
  target,
} from '../../support/pfs.ts';

type Member = Partial<Header> & { readonly name: string; readonly text?: string };

async function tar(...members: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  for (const { text = '', ...header } of members) {
    archive.entry(header, header.type === undefined || header.type === 'file' ? text : '');
  }
  archive.finalize();
  return await gather(archive as AsyncIterable<Buffer>);
}

async function unpack(
  pfs: Pfs,
  archives: Readonly<Record<string, Buffer>>,
  options: Partial<StagingOptions> & { readonly step?: number } = {},
) {
  const { step = 100_000, ...staging } = options;
  async function* parts() {
    for (const [path, data] of Object.entries(archives)) {
      for (let at = 0; at === 0 || at < data.length; at += step) {
        const last = at + step >= data.length;
        const part = data.subarray(at, at + step);
        yield [{ path, executable: false, data: part, first: at === 0, last }];
      }
    }
  }
  return await putFiles(pfs.context, pfs.queue, {
    target: target('data@master'),
    append: false,
    untar: true,
    parts: parts(),
    request: ACTOR,
    ...staging,
  });
}

async function newPfs(t: TestContext): Promise<Pfs> {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  return pfs;
}

it('stores what tars hold, gzipped or not, however they arrive', async (t) => {
  const large = 'x'.repeat(2_500_000);
  const plain = await tar(
    { name: './', type: 'directory' },
    { name: './a', text: 'one' },
    { name: 'd/', type: 'directory' },
    { name: 'd/run', text: 'two', mode: 0o755 },
    { name: '/abs/empty', text: '' },
    { name: `${'long/'.repeat(40)}name`, text: 'three' },
    { name: 'large', text: large },
  );
  for (const archive of [plain, gzipSync(plain)]) {
    for (const step of [1000, 100_000_000]) {
      const pfs = await newPfs(t);
      await unpack(pfs, { '/in/': archive, '': await tar({ name: 'top', text: 't' }) }, { step });
      const files = await readBytes(pfs, 'data@master');
      assert.deepEqual([...files.keys()].sort(), [
        'in/a',
        'in/abs/empty',
        'in/d/run',
        'in/large',
        `in/${'long/'.repeat(40)}name`,
        'top',
      ]);
      assert.equal(files.get('in/d/run')?.mode, '100755');
      assert.equal(files.get('in/a')?.mode, '100644');
      assert.equal(files.get('in/large')?.bytes.toString(), large);
    }
  }
});

it('lets no entry escape, and stores nothing of an archive that holds what is no file', async (t) => {
  const pfs = await newPfs(t);
  // Between two files: what came of it is a tar by itself.
  const cut = (await tar({ name: 'a', text: 'x' }, { name: 'b', text: 'y' })).subarray(0, 1024);
  const bad: [Buffer, RegExp][] = [
    [await tar({ name: 'ok' }, { name: '../up' }), /"\.\.\/up".*leads out/],
    [await tar({ name: 'ok' }, { name: 'a/../../b' }), /leads out/],
    [await tar({ name: 'ok' }, { name: 'pipe', type: 'fifo' }), /"pipe".*device, a pipe/],
    [await tar({ name: 'dev', type: 'character-device' }), /"dev".*device/],
    [await tar({ name: '.git/config', text: 'x' }), /\.git/],
    [await tar({ name: 'bad\ufffd' }), /not UTF-8/],
    [await tar({ name: 'h', type: 'link', linkname: '../../etc/passwd' }), /leads out/],
    [Buffer.from('no tar at all'.repeat(100)), /no whole tar/],
    [(await tar({ name: 'a', text: 'x'.repeat(5000) })).subarray(0, 2000), /no whole tar/],
    [gzipSync(await tar({ name: 'a', text: 'x'.repeat(5000) })).subarray(0, 60), /no whole tar/],
    [cut, /the archive has no end/],
    [gzipSync(cut), /the archive has no end/],
    [Buffer.from('fd377a585a000000', 'hex'), /is xz/],
    [Buffer.alloc(0), /empty/],
  ];
  for (const [archive, why] of bad) {
    await assert.rejects(unpack(pfs, { d: archive }), why);
  }
  assert.equal(pfs.context.journal.state.branches.size, 0);
});

it('stores hard links and followed symbolic ones as copies of what they lead to', async (t) => {
  const pfs = await newPfs(t);
  const archive = await tar(
    { name: 'early', type: 'symlink', linkname: 'd/chain' },
    { name: 'd/file', text: 'content', mode: 0o755 },
    { name: 'd/chain', type: 'symlink', linkname: '../x/../d/file' },
    { name: 'hard', type: 'link', linkname: 'd/file' },
    { name: 'dir', type: 'symlink', linkname: 'd' },
    { name: 'through', type: 'symlink', linkname: 'dir/file' },
  );
  await unpack(pfs, { in: archive });
  assert.deepEqual(await readAll(pfs, 'data@master'), {
    'in/d/chain': 'content',
    'in/d/file': 'content',
    'in/dir/chain': 'content',
    'in/dir/file': 'content',
    'in/early': 'content',
    'in/hard': 'content',
    'in/through': 'content',
  });
  assert.equal((await readBytes(pfs, 'data@master')).get('in/hard')?.mode, '100755');
});

it('says why a symbolic link can not be followed, keeps it where asked, or refuses it', async (t) => {
  const pfs = await newPfs(t);
  const link = (linkname: string, name = 'l') =>
    tar({ name: 'f', text: 'x' }, { name, type: 'symlink', linkname });
  const bad: [string, RegExp][] = [
    ['gone', /"\/d\/l".*"gone", which leads nowhere/],
    ['../../out', /leads out/],
    ['/etc/passwd', /leads out/],
    ['l', /circle/],
    ['.', /in itself/],
  ];
  for (const [to, why] of bad) {
    await assert.rejects(unpack(pfs, { d: await link(to) }), why, to);
    await unpack(pfs, { d: await link(to) }, { symlinks: 'keep' });
    const kept = (await readBytes(pfs, 'data@master')).get('d/l');
    assert.deepEqual([kept?.mode, kept?.bytes.toString()], ['120000', to]);
  }
  await assert.rejects(
    unpack(pfs, { d: await link('f') }, { symlinks: 'refuse' }),
    /symbolic link to "f"/,
  );
  await assert.rejects(unpack(pfs, { d: await link('a\nb') }, { symlinks: 'keep' }), /control/);
});

it('a few links can not stand for more files than fit', async (t) => {
  const pfs = await newPfs(t);
  const members: Member[] = [{ name: 'd0/f', text: 'x' }];
  for (let i = 1; i < 40; i++) {
    members.push({ name: `d${i}/a`, type: 'symlink', linkname: `../d${i - 1}` });
    members.push({ name: `d${i}/b`, type: 'symlink', linkname: `../d${i - 1}` });
  }
  await assert.rejects(unpack(pfs, { d: await tar(...members) }), /copies/);
});
