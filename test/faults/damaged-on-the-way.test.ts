// What arrives damaged is read again before anything is called damaged, and nothing damaged is kept.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { putEntry } from '../../engine/journal/committer.ts';
import { encodeEntry } from '../../engine/journal/entry.ts';
import { journalKey } from '../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../engine/object/memory.ts';
import type { GetOptions } from '../../engine/object/object-store.ts';
import { InstantClock } from '../support/instant-clock.ts';
import { createRepos, openTestPfs, put, readAll } from '../support/pfs.ts';

/** Flips a bit of what is read, each time that it is told. */
class FlippingStore extends MemoryObjectStore {
  readonly #seen = new Set<string>();
  flips = 0;
  /** Which reads are damaged. */
  mode: 'none' | 'first' | 'all' = 'none';

  override async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    const bytes = await super.get(key, options);
    const isDue = this.mode === 'all' || (this.mode === 'first' && !this.#seen.has(key));
    if (isDue && bytes.length > 0) {
      this.#seen.add(key);
      this.flips += 1;
      const at = Math.floor(bytes.length / 2);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
    }
    return bytes;
  }
}

it('reads all that arrived damaged once', async (t) => {
  const store = new FlippingStore();
  const files = { a: 'small', b: 'large because it says git-lfs', c: Buffer.alloc(3_000_000, 'c') };
  const first = await openTestPfs({ t, store });
  await createRepos(first, 'data');
  await put(first, 'data@master', files);
  await first.context.journal.snapshot();
  store.mode = 'first';
  const second = await openTestPfs({ t, store });
  const found = await readAll(second, 'data@master');
  assert.deepEqual(
    Object.entries(found).map(([path, text]) => [path, text.length]),
    Object.entries(files).map(([path, text]) => [path, text.length]),
  );
  assert.equal(found.a, files.a);
  assert.ok(store.flips >= 6, `${store.flips} flips`);
});

it('what stays damaged is corrupt, and is read once it is whole', async (t) => {
  const store = new FlippingStore();
  const first = await openTestPfs({ t, store });
  await createRepos(first, 'data');
  await put(first, 'data@master', { a: 'small' });
  const second = await openTestPfs({ t, store });
  store.mode = 'all';
  await assert.rejects(readAll(second, 'data@master'), { code: 'corrupt' });
  store.mode = 'none';
  assert.deepEqual(await readAll(second, 'data@master'), { a: 'small' });
});

it('an entry that was written, and came back damaged, is not taken for another', async () => {
  const store = new FlippingStore();
  const head = { seq: 1, time: 1, engine: 'e', writeId: 'w' };
  const bytes = encodeEntry(head, ['{"actor":"x","operations":[]}']);
  await store.put(journalKey(1), bytes);
  // As S3 does where it could not read back.
  const inner = store.put.bind(store);
  store.put = async (key, body, options) => {
    await inner(key, Buffer.concat([Buffer.from(' '), ...[body].flat()]), options);
  };
  store.mode = 'first';
  const options = { clock: new InstantClock(), patienceMs: 1000 };
  assert.equal(await putEntry(store, { seq: 1, bytes }, options), true);
  assert.equal(store.flips, 1);
});
