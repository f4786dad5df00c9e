import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { EngineError, isEngineError } from '../../../engine/base/errors.ts';
import { FileCache, type FileCacheOptions } from '../../../engine/jobs/file-cache.ts';
import { MemoryContents } from '../../support/memory-contents.ts';
import { scratchDirectory } from '../../support/scratch.ts';

function setUp(t: TestContext, options: Partial<FileCacheOptions> = {}) {
  const directory = scratchDirectory(t);
  const contents = new MemoryContents();
  const cache = new FileCache(join(directory, 'cache'), {
    maxBytes: 250,
    minFreeBytes: 100,
    freeBytes: async () => 1e12,
    ...options,
  });
  let count = 0;
  const file = (size: number) => ({
    id: contents.large(Buffer.from(`${count++}`.padEnd(size, '.'))).id,
    executable: false,
  });
  const place = async (id: { id: string; executable: boolean }) => {
    const target = join(directory, `target-${count++}`);
    await cache.place(id, { contents, target });
    return target;
  };
  const warm = (id: { id: string; executable: boolean }, signal?: AbortSignal) =>
    cache.warm(id, { contents, ...(signal ? { signal } : {}) });
  /** Holds back a file's bytes; resolves once they are asked for, with what lets them go or fail. */
  const hold = (id: { id: string }) =>
    new Promise<{ go: () => void; fail: (error: Error) => void }>((asked) => {
      contents.intercept = async (wanted, content) => {
        if (wanted !== id.id || content.kind === 'small') {
          return content;
        }
        const { size, read } = content;
        contents.intercept = undefined;
        const held = async function* () {
          await new Promise<void>((go, fail) => asked({ go, fail }));
          yield* read();
        };
        return { kind: 'large', size, read: held };
      };
    });
  return { directory, cache, file, place, warm, hold };
}

const isExhausted = (error: unknown) => isEngineError(error, 'resource_exhausted');

it('what is fetched ahead takes half of the cache at most, and drops nothing else that was', async (t) => {
  const { cache, file, warm, place } = setUp(t);
  const old = file(200);
  rmSync(await place(old));
  const [next, after] = [file(100), file(100)];
  await warm(next);
  assert.equal(cache.bytes, 100, 'what was used before went');
  await assert.rejects(warm(after), isExhausted);
  rmSync(await place(next));
  await warm(after);
  assert.equal(cache.bytes, 200);
});

it('nothing is fetched ahead where the disk is rather full', async (t) => {
  const { file, warm, place } = setUp(t, { freeBytes: async () => 250 });
  const next = file(100);
  await assert.rejects(warm(next), isExhausted);
  await place(next);
});

it('a file that is needed waits for what is being fetched ahead where there is no room', async (t) => {
  const { cache, file, warm, place, hold } = setUp(t);
  const [ahead, needed] = [file(120), file(200)];
  const held = hold(ahead);
  const warming = warm(ahead);
  const { go } = await held;
  const placing = place(needed);
  setImmediate(go);
  assert.equal(readFileSync(await placing, 'utf8').length, 200);
  await warming;
  assert.equal(cache.bytes, 200);
});

it('a file that is needed is fetched anew where the fetch ahead fails', async (t) => {
  const { file, warm, place, hold } = setUp(t);
  const wanted = file(100);
  const held = hold(wanted);
  const warming = assert.rejects(warm(wanted), isExhausted);
  const { fail } = await held;
  const placing = place(wanted);
  setImmediate(() => fail(new EngineError('resource_exhausted', 'no room ahead')));
  assert.equal(readFileSync(await placing, 'utf8').length, 100);
  await warming;
});

it('a fetch ahead ends with its signal and leaves nothing', async (t) => {
  const { cache, directory, file, warm, place, hold } = setUp(t);
  const wanted = file(100);
  const held = hold(wanted);
  const stop = new AbortController();
  const warming = assert.rejects(warm(wanted, stop.signal), (error) =>
    isEngineError(error, 'cancelled'),
  );
  const { go } = await held;
  stop.abort();
  go();
  await warming;
  assert.equal(cache.bytes, 0);
  assert.ok(!readdirSync(join(directory, 'cache')).some((name) => name.startsWith('fetching')));
  await place(wanted);
});
