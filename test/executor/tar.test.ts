import assert from 'node:assert/strict';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import { extract, type Header, pack } from 'tar-stream';
import { unpackTar } from '../../engine/executor/tar-reader.ts';
import { directoryEntries, packTar } from '../../engine/executor/tar-writer.ts';

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'pfs-tar-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** The bytes of a tar stream of these entries, each with its content. */
async function tarOf(
  ...entries: readonly (readonly [Partial<Header> & { name: string }, string?])[]
): Promise<Buffer> {
  const archive = pack();
  for (const [header, content = ''] of entries) {
    archive.entry(header, content);
  }
  archive.finalize();
  return await buffer(archive);
}

/** A stream that gives `bytes` in pieces of `size`. */
async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) {
    yield bytes.subarray(at, at + size);
  }
}

async function unpack(bytes: Buffer, target: string, strip = 0): Promise<void> {
  await unpackTar(pieces(bytes, 10_000), target, { strip });
}

describe('packTar() and unpackTar()', () => {
  it('give back what was there: modes, links, long names and names beyond ASCII', async (t) => {
    const from = await directory(t);
    const to = await directory(t);
    const deep = join('long'.repeat(40), 'ü€𝄞'.repeat(20), 'name'.repeat(60));
    await mkdir(join(from, deep), { recursive: true });
    await writeFile(join(from, deep, 'a\nb c'), 'data');
    await writeFile(join(from, 'empty'), '');
    await writeFile(join(from, 'large'), Buffer.alloc(3_000_001, 'x'));
    await writeFile(join(from, 'tool'), '#!/bin/sh');
    await chmod(join(from, 'tool'), 0o755);
    await symlink(`/pfs/${'ü'.repeat(120)}`, join(from, 'link'));
    await unpackTar(packTar(directoryEntries(from, 'top')), to, { strip: 1 });
    assert.deepEqual((await readdir(to)).sort(), (await readdir(from)).sort());
    assert.equal(await readFile(join(to, deep, 'a\nb c'), 'utf8'), 'data');
    assert.equal((await lstat(join(to, 'empty'))).size, 0);
    assert.equal((await lstat(join(to, 'large'))).size, 3_000_001);
    assert.equal((await lstat(join(to, 'tool'))).mode & 0o777, 0o755);
    assert.equal(await readlink(join(to, 'link')), `/pfs/${'ü'.repeat(120)}`);
  });

  it('a stream of many small pieces is read as well as one of few', async (t) => {
    const bytes = await tarOf([{ name: 'a' }, 'x'.repeat(1000)], [{ name: 'b' }, 'y']);
    for (const size of [1, 511, 513, bytes.length]) {
      const to = await directory(t);
      await unpackTar(pieces(bytes, size), to, { strip: 0 });
      assert.equal(await readFile(join(to, 'b'), 'utf8'), 'y');
      assert.equal((await lstat(join(to, 'a'))).size, 1000);
    }
  });
});

describe('packTar()', () => {
  it('keeps a user id that does not fit the header', async () => {
    const ids = { uid: 1_234_567_890, gid: 2_097_152 };
    const archive = extract();
    archive.end(await buffer(packTar([{ name: 'a/', type: 'directory', mode: 0o777, ...ids }])));
    for await (const { header } of archive) {
      const pax = header.pax as Record<string, string>;
      assert.deepEqual([pax.uid, pax.gid], [String(ids.uid), String(ids.gid)]);
      assert.equal(header.mode, 0o777);
    }
  });

  it('fails where a file got shorter meanwhile', async (t) => {
    const from = await directory(t);
    await writeFile(join(from, 'a'), 'long enough');
    const content = { path: join(from, 'a'), size: 11 };
    await truncate(content.path, 3);
    const entry = { name: 'a', type: 'file', mode: 0o644, content } as const;
    await assert.rejects(buffer(packTar([entry])), { code: 'unavailable', message: /changed/ });
  });

  it('fails with what its entries throw', async () => {
    async function* failing() {
      yield { name: 'a/', type: 'directory' as const, mode: 0o755 };
      throw new Error('no more');
    }
    await assert.rejects(buffer(packTar(failing())), { message: 'no more' });
  });
});

describe('unpackTar()', () => {
  it('makes directories and files that this user can read and remove', async (t) => {
    const to = await directory(t);
    const closed = [{ name: 'd/', type: 'directory', mode: 0o050 }] as const;
    await unpack(await tarOf(closed, [{ name: 'd/a', mode: 0o4001 }, 'x']), to);
    assert.equal((await lstat(join(to, 'd'))).mode & 0o777, 0o750);
    assert.equal((await lstat(join(to, 'd/a'))).mode & 0o7777, 0o601);
  });

  it('makes hard links of what it unpacked, and of nothing else', async (t) => {
    const to = await directory(t);
    const linked = { name: 'top/b', type: 'link', linkname: 'top/a' } as const;
    await unpack(await tarOf([{ name: 'top/a' }, 'x'], [linked]), to, 1);
    assert.equal(await readFile(join(to, 'b'), 'utf8'), 'x');
    const out = { name: 'c', type: 'link', linkname: '../../etc/passwd' } as const;
    await assert.rejects(unpack(await tarOf([out]), to), { code: 'invalid' });
    await assert.rejects(unpack(await tarOf([{ ...out, linkname: '/etc/passwd' }]), to), {
      code: 'ENOENT',
    });
  });

  it('refuses names that lead out, and keeps absolute ones inside', async (t) => {
    const to = await directory(t);
    for (const name of ['../a', 'a/../../b', '/../a']) {
      await assert.rejects(unpack(await tarOf([{ name }, 'x']), to), { code: 'invalid' });
    }
    await unpack(await tarOf([{ name: '/etc/inside' }, 'x']), to);
    assert.equal(await readFile(join(to, 'etc/inside'), 'utf8'), 'x');
  });

  it('writes nothing through a link', async (t) => {
    const to = await directory(t);
    const outside = await directory(t);
    const link = { name: 'a', type: 'symlink', linkname: outside } as const;
    await assert.rejects(unpack(await tarOf([link], [{ name: 'a/b' }, 'x']), to));
    const below = { name: 'l/b', type: 'symlink', linkname: 'x' } as const;
    await assert.rejects(unpack(await tarOf([{ ...link, name: 'l' }], [below]), to), {
      code: 'invalid',
    });
    assert.deepEqual(await readdir(outside), []);
  });

  it('refuses pipes and devices', async (t) => {
    for (const type of ['fifo', 'character-device', 'block-device'] as const) {
      const to = await directory(t);
      await assert.rejects(unpack(await tarOf([{ name: 'a', type }]), to), { code: 'invalid' });
    }
  });

  it('refuses a name that is not UTF-8', async (t) => {
    const bytes = await tarOf([{ name: 'a?b' }, 'x']);
    bytes[1] = 0xff;
    // The checksum moves by as much.
    bytes.write(sum(bytes.subarray(0, 512)).toString(8).padStart(6, '0'), 148, 'latin1');
    await assert.rejects(unpack(bytes, await directory(t)), { code: 'invalid', message: /UTF-8/ });
  });

  it('says of a stream that is cut short or no tar that it is broken', async (t) => {
    const bytes = await tarOf([{ name: 'a' }, 'x'.repeat(5000)]);
    for (const broken of [
      bytes.subarray(0, 2000),
      bytes.subarray(0, 100),
      Buffer.alloc(2000, 'x'),
    ]) {
      await assert.rejects(unpack(broken, await directory(t)), { code: 'unavailable' });
    }
  });

  it('fails with what its source fails with', async (t) => {
    async function* failing() {
      yield (await tarOf([{ name: 'a' }, 'x'.repeat(5000)])).subarray(0, 2000);
      throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    }
    await assert.rejects(unpackTar(failing(), await directory(t), { strip: 0 }), {
      code: 'ECONNRESET',
    });
  });
});

function sum(header: Buffer): number {
  return header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}
