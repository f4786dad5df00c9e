import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SeededRandom } from '../../../engine/base/random.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { ChunkReader } from '../../../engine/content/chunk-reader.ts';
import { ChunkWriter } from '../../../engine/content/chunk-writer.ts';
import { Chunker } from '../../../engine/content/chunker.ts';
import { LargeFileReader, LargeFileWriter } from '../../../engine/content/large-file.ts';
import type { Pointer } from '../../../engine/content/pointer.ts';
import { FilesystemObjectStore } from '../../../engine/object/filesystem.ts';
import { packKey } from '../../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { eventually } from '../../support/eventually.ts';
import { newRig, newSeed, type Rig } from '../object/pack-rig.ts';

const MiB = 1024 * 1024;
const random = new SeededRandom(newSeed());

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Random bytes, quickly. */
function noise(length: number): Buffer {
  const cipher = createCipheriv('aes-128-ctr', random.bytes(16), random.bytes(16));
  return cipher.update(Buffer.alloc(length));
}

async function put(session: ChunkWriter, bytes: Buffer, piece = 300_000): Promise<Pointer> {
  const writer = new LargeFileWriter(session);
  const reused = Buffer.alloc(piece);
  for (let at = 0; at < bytes.length; at += piece) {
    const length = bytes.copy(reused, 0, at);
    await writer.write(reused.subarray(0, length));
  }
  return writer.finish();
}

async function get(
  reader: LargeFileReader,
  file: string,
  range?: { start?: number; end?: number },
): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of reader.read(file, range)) {
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function publish(rig: Rig, bytes: Buffer): Promise<Pointer> {
  const session = new ChunkWriter(rig.live, rig);
  const pointer = await put(session, bytes);
  rig.publish(await session.finish());
  return pointer;
}

it('gives back files of any length, before and after the session is finished', async () => {
  const rig = newRig();
  const session = new ChunkWriter(rig.live, { ...rig, targetBytes: 20 * MiB });
  const files = new Map<string, Buffer>();
  for (const length of [0, 1, 1000, 2 * MiB, 2 * MiB + 1, 40 * MiB]) {
    const bytes = noise(length);
    const pointer = await put(session, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    assert.deepEqual(pointer, { sha256, size: length });
    files.set(sha256, bytes);
    assert.ok((await get(new LargeFileReader(session), sha256)).equals(bytes));
  }
  rig.publish(await session.finish());
  const reader = new LargeFileReader(new ChunkReader(rig.reopened()));
  for (const [sha256, bytes] of files) {
    assert.ok((await get(reader, sha256)).equals(bytes));
  }
});

it('reads any range', async () => {
  const rig = newRig();
  const bytes = noise(24 * MiB);
  const { sha256 } = await publish(rig, bytes);
  const reader = new LargeFileReader(new ChunkReader(rig.live));
  for (let round = 0; round < 20; round++) {
    const start = Math.floor(random.fraction() * bytes.length);
    const end = start + Math.floor(random.fraction() * (bytes.length - start));
    assert.ok((await get(reader, sha256, { start, end })).equals(bytes.subarray(start, end)));
  }
  assert.equal((await get(reader, sha256, { start: bytes.length })).length, 0);
  assert.equal((await get(reader, sha256, { start: 5, end: 5 })).length, 0);
  assert.equal((await get(reader, sha256, { start: bytes.length - 1 })).length, 1);
});

it('stores a file again at no cost and says which packs it relied on', async () => {
  const rig = newRig();
  const bytes = noise(12 * MiB);
  await publish(rig, bytes);
  const before = rig.live;
  const session = new ChunkWriter(before, rig);
  await put(session, bytes, 77_777);
  const { packs, relied } = await session.finish();
  assert.deepEqual(packs, []);
  assert.equal(relied.length, 1);
  assert.ok(before.has(relied[0] ?? ''));
});

it('relies on all packs of a file that is taken over by its pointer', async () => {
  const rig = newRig();
  const writing = new ChunkWriter(rig.live, { ...rig, targetBytes: 8 * MiB });
  const { sha256 } = await put(writing, noise(30 * MiB));
  const { packs } = await writing.finish();
  rig.publish({ packs });
  const session = new ChunkWriter(rig.reopened(), rig);
  await session.rely(sha256);
  const { relied } = await session.finish();
  assert.ok(packs.length > 1);
  assert.deepEqual(relied.sort(), packs.map((pack) => pack.id).sort());
});

it('stores little after an insertion in the middle', async () => {
  const rig = newRig();
  const bytes = noise(96 * MiB);
  await publish(rig, bytes);
  const at = Math.floor(bytes.length * (0.3 + random.fraction() / 3));
  const longer = Buffer.concat([bytes.subarray(0, at), noise(MiB), bytes.subarray(at)]);
  const session = new ChunkWriter(rig.live, rig);
  const { sha256 } = await put(session, longer);
  const { packs } = await session.finish();
  const added = packs.reduce((sum, pack) => sum + pack.bytes, 0);
  assert.ok(added <= 48 * MiB, `${added} bytes were added`);
  rig.publish({ packs });
  const reader = new LargeFileReader(new ChunkReader(rig.reopened()));
  assert.ok((await get(reader, sha256)).equals(longer));
});

it('finds any damage to a pack, and a pack cut short', async () => {
  const rig = newRig();
  const { sha256 } = await publish(rig, noise(9 * MiB));
  const id = rig.live.findLoaded(sha256)?.pack.id ?? '';
  const pack = packKey(id);
  const whole = Buffer.from(await rig.store.get(pack));
  const reader = () => new LargeFileReader(new ChunkReader(rig.reopened()));
  for (let round = 0; round < 10; round++) {
    const damaged = Buffer.from(whole);
    const at = 16 + Math.floor(random.fraction() * (whole.length - 16));
    damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(random.fraction() * 8));
    await rig.store.put(pack, damaged);
    await assert.rejects(get(reader(), sha256), { code: 'corrupt' }, `byte ${at}`);
  }
  await rig.store.put(pack, whole.subarray(0, whole.length - 1));
  await assert.rejects(get(reader(), sha256), { code: 'corrupt' });
  await rig.store.put(pack, whole);
  assert.equal((await get(reader(), sha256)).length, 9 * MiB);
});

it('says that a file is missing', async () => {
  const reader = new LargeFileReader(new ChunkReader(newRig().live));
  await assert.rejects(get(reader, 'ab'.repeat(32)), { code: 'corrupt' });
});

it('keeps memory bounded however long the file is', async () => {
  const store = new (class extends MemoryObjectStore {
    bytes = 0;
    override async put(key: string, bytes: Uint8Array | readonly Uint8Array[]): Promise<void> {
      assert.match(key, /^packs/);
      for (const part of bytes instanceof Uint8Array ? [bytes] : bytes) {
        this.bytes += part.length;
      }
    }
  })();
  const rig = newRig({ store, budgetBytes: 64 * MiB });
  const session = new ChunkWriter(rig.live, rig);
  const writer = new LargeFileWriter(session);
  const piece = noise(MiB);
  const before = process.memoryUsage.rss();
  let peak = 0;
  for (let n = 0; n < 300; n++) {
    piece.writeUInt32LE(n, 1000);
    await writer.write(piece);
    peak = Math.max(peak, process.memoryUsage.rss() - before);
  }
  await writer.finish();
  await session.finish();
  assert.ok(store.bytes > 300 * MiB);
  assert.ok(peak < 200 * MiB, `${Math.round(peak / MiB)} MiB more memory`);
});

it('memory that is lent is used again only when the next is asked for, however many read at once', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'pfs-test-borrowed-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const clock = new SystemClock();
  const store = await FilesystemObjectStore.open(directory, { clock, random });
  const rig = newRig({ store });
  const files = [noise(40 * MiB), noise(30 * MiB), noise(20 * MiB)];
  const pointers: Pointer[] = [];
  for (const bytes of files) {
    pointers.push(await publish(rig, bytes));
  }
  const reader = new LargeFileReader(new ChunkReader(rig.reopened()));
  const readers = Array.from({ length: 5 }, (_, n) => n % files.length);
  const memories = new Set<unknown>();
  const read = async (n: number, stopAfter: number) => {
    const hash = createHash('sha256');
    let at = 0;
    for await (const part of reader.read(pointers[n]?.sha256 ?? '', { borrowed: true })) {
      memories.add(part.buffer);
      // Others go on meanwhile, and must not write here.
      const before = Buffer.from(part);
      await new Promise((resolve) => setImmediate(resolve));
      assert.ok(part.equals(before));
      assert.ok(files[n]?.subarray(at, at + part.length).equals(part));
      hash.update(part);
      at += part.length;
      if (at >= stopAfter) {
        return;
      }
    }
    assert.equal(hash.digest('hex'), pointers[n]?.sha256);
  };
  await Promise.all(readers.map((n) => read(n, Number.POSITIVE_INFINITY)));
  await Promise.all(readers.map((n) => read(n, 5 * MiB)));
  await Promise.all(readers.map((n) => read(n, Number.POSITIVE_INFINITY)));
  assert.ok([...memories].some((memory) => memory instanceof SharedArrayBuffer));
});

it('who reads slowly takes no memory from those who write, nor the reverse', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'pfs-test-slow-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const store = await FilesystemObjectStore.open(directory, { clock: new SystemClock(), random });
  const rig = newRig({ store });
  const { sha256 } = await publish(rig, noise(60 * MiB));
  const reader = new LargeFileReader(new ChunkReader(rig.reopened()));
  const begin = async () => {
    const parts = reader.read(sha256, { borrowed: true });
    const first = await parts.next();
    return { parts, isBorrowed: first.value?.buffer instanceof SharedArrayBuffer };
  };

  const slow = await Promise.all(Array.from({ length: 10 }, begin));
  // A store that takes its time: two chunks must be on their way to it while the third is filled.
  let goOn = (): void => undefined;
  const stored = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const session = { store: () => stored } as unknown as ChunkWriter;
  const newWriter = () => new LargeFileWriter(session);
  const writer = newWriter();
  const chunker = new Chunker();
  for (let cuts = 0; cuts < 2; ) {
    const piece = noise(MiB);
    await writer.write(piece);
    const cut = chunker.next(piece, 0);
    if (cut >= 0) {
      cuts += 1;
      chunker.next(piece, cut);
    }
  }

  for (const { parts } of slow) {
    await parts.return(undefined);
  }
  const writers = Array.from({ length: 12 }, newWriter);
  for (const one of writers) {
    await one.write(noise(1000));
  }
  // Memory that somebody may still be sending comes back once nobody can.
  slow.length = 0;
  await eventually('readers have memory of their own', async () => {
    collectGarbage();
    const { parts, isBorrowed } = await begin();
    await parts.return(undefined);
    return isBorrowed;
  });
  goOn();
  for (const one of [writer, ...writers]) {
    await one.finish();
  }
});
