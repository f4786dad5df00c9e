import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { writeDirectly } from '../../../engine/object/direct-write.ts';
import { writeFully } from '../../../engine/object/file-bytes.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { newSeed } from './pack-rig.ts';

const MiB = 1024 * 1024;
const PAGE = 4096;

/** Writes as the store does; returns how much of it went past the cache. */
async function write(path: string, pieces: readonly Uint8Array[], total: number): Promise<number> {
  writeFileSync(path, '');
  const direct = await writeDirectly(path, pieces, total);
  const handle = await open(path, 'r+');
  await writeFully(handle, pieces, direct);
  await handle.close();
  return direct;
}

it('writes what it is given, whatever its pieces and its length', async (t) => {
  const seed = newSeed();
  const random = new SeededRandom(seed);
  const path = join(scratchDirectory(t), 'file');
  for (const total of [8 * MiB, 8 * MiB + 1, 12 * MiB - 1, 16 * MiB + PAGE, 40 * MiB + 4095]) {
    const bytes = randomBytes(total);
    const pieces: Buffer[] = [];
    for (let at = 0; at < total; ) {
      const length = [0, 16, 40, 3 * MiB, 5 * MiB + 7][Math.floor(random.fraction() * 5)] ?? 0;
      pieces.push(bytes.subarray(at, at + length));
      at += length;
    }
    const direct = await write(path, pieces, total);
    // A file system that can't has none of it.
    assert.ok(direct === 0 || direct === total - (total % PAGE), `${direct} of ${total}`);
    assert.ok(readFileSync(path).equals(bytes), `${total} bytes`);
  }
});

it('leaves small objects to the cache', async (t) => {
  const path = join(scratchDirectory(t), 'file');
  assert.equal(await write(path, [randomBytes(MiB)], MiB), 0);
});

it('tells what kept it from writing', async (t) => {
  const path = join(scratchDirectory(t), 'missing');
  await assert.rejects(writeDirectly(path, [Buffer.alloc(8 * MiB)], 8 * MiB), { code: 'ENOENT' });
});
