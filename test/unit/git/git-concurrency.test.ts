import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { GitReader } from '../../../engine/git/git-reader.ts';
import { GitWriter } from '../../../engine/git/git-writer.ts';
import { objectId } from '../../../engine/git/object-id.ts';
import type { NewPack } from '../../../engine/object/pack-ref.ts';
import { newRig, newSeed } from '../object/pack-rig.ts';

it('loses nothing and gives back all memory whatever sessions do at the same time', async () => {
  const random = new SeededRandom(newSeed());
  const budgetBytes = 300_000;
  const rig = newRig({ budgetBytes });
  const promised = new Set<string>();
  const packs: NewPack[] = [];

  /** One client: writes some blobs, then finishes, gives up, or is absorbed by another session. */
  async function client(): Promise<void> {
    const writer = new GitWriter(rig.live, { uploader: rig.uploader, targetBytes: 60_000 });
    const ids: string[] = [];
    for (let n = Math.floor(random.fraction() * 30); n >= 0; n--) {
      // Few enough different contents that sessions meet the same ones.
      const content = Buffer.alloc(Math.floor(random.fraction() * 300) * 100, `${n % 3}`);
      ids.push(await writer.blob(content));
      assert.equal(ids.at(-1), objectId('blob', content));
    }
    const dice = random.fraction();
    if (dice < 0.2) {
      writer.discard();
      return;
    }
    let last = writer;
    if (dice < 0.6) {
      last = new GitWriter(rig.live, { uploader: rig.uploader, targetBytes: 60_000 });
      ids.push(await last.blob(random.bytes(10_000)));
      last.absorb(writer);
    }
    for (const id of ids) {
      await last.readBlob(id);
    }
    const written = await last.finish();
    rig.publish(written);
    packs.push(...written.packs);
    for (const id of ids) {
      promised.add(id);
    }
    for (const pack of written.relied) {
      assert.ok(rig.live.has(pack));
    }
  }

  for (let round = 0; round < 6; round++) {
    await Promise.all(Array.from({ length: 25 }, client));
  }
  const reader = new GitReader(rig.reopened());
  const missing = new Set(promised);
  for await (const { id } of reader.readMany(promised)) {
    missing.delete(id);
  }
  assert.equal(missing.size, 0);
  for (const { index } of packs) {
    assert.equal(new Set(Array.from(index.entries(), ({ id }) => id)).size, index.count);
  }
  const release = await rig.budget.acquire(budgetBytes);
  release();
});
