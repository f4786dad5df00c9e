// Buckets of a real S3 server: mirrored to a folder and back, as after the loss of either, and with commits that go.

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { SystemRandom } from '../../../engine/base/random.ts';
import { SystemClock } from '../../../engine/base/system-clock.ts';
import { FilesystemObjectStore } from '../../../engine/object/filesystem.ts';
import { RetryingObjectStore } from '../../../engine/object/retrying.ts';
import { S3ObjectStore } from '../../../engine/object/s3.ts';
import { dropSet } from '../../../engine/pfs/drop.ts';
import { squashSet } from '../../../engine/pfs/squash.ts';
import { ACTOR, openTestPfs, put, readAll } from '../../support/pfs.ts';
import { startS3Server } from '../../support/s3-server.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { checkByGit } from './git-check.ts';
import { check, contents, fill, mirror, repair } from './store-rig.ts';
import { collectOn, compactOn } from './upkeep-rig.ts';

const clock = new SystemClock();
const random = new SystemRandom();
const server = await startS3Server();

if ('skip' in server) {
  it('a mirror on a real S3 server', { skip: server.skip }, () => undefined);
} else {
  after(() => server.stop());
  const { endpoint, accessKey, secretKey, region } = server;
  const openBucket = async (prefix: string) => {
    const bucket = await server.createBucket();
    const options = { bucket, prefix, endpoint, accessKey, secretKey, region, pathStyle: true };
    return new RetryingObjectStore(new S3ObjectStore(options), { clock, random });
  };

  describe('a mirror from S3 to a folder and back', () => {
    it('is opened in place of what was lost, and goes on', async (t) => {
      const bucket = await openBucket('pfs');
      const pfs = await fill(t, bucket);
      const folder = await FilesystemObjectStore.open(scratchDirectory(t), { clock, random });
      await mirror(bucket, folder);
      assert.deepEqual((await check(folder)).damage, []);
      const before = await contents(t, bucket);
      assert.deepEqual(await contents(t, folder), before);

      // The bucket is damaged, and repaired from the folder.
      const [pack] = pfs.context.journal.state.packs.values();
      const key = `packs/${pack?.id.slice(-2)}/${pack?.id}`;
      await bucket.delete(key);
      assert.deepEqual((await repair(bucket, folder)).repaired, [key]);

      // The bucket is lost: work goes on in the folder, and from there to another bucket.
      const local = await openTestPfs({ t, store: folder });
      await put(local, 'data@master', { after: 'the loss' });
      const second = await openBucket('');
      await mirror(folder, second);
      assert.deepEqual((await check(second)).damage, []);
      const now = await contents(t, second);
      assert.equal(now.get('data@master:after'), 'the loss');
      assert.equal(now.size, before.size + 1);
    });
  });

  describe('commits in a bucket', () => {
    it('are squashed and dropped for good, while others keep their files, merged and collected', async (t) => {
      const bucket = await openBucket('squash');
      const pfs = await fill(t, bucket);
      const all: Record<string, string>[] = [];
      const ids: string[] = [];
      for (let i = 0; i < 4; i++) {
        ids.push((await put(pfs, 'data@master', { [`s${i}`]: `${i}`, 'd/changing': `s${i}` })).id);
        all.push(await readAll(pfs, 'data@master'));
      }
      await squashSet(pfs.context, ids[1] ?? '', ACTOR);
      await dropSet(pfs.context, ids[3] ?? '', ACTOR);
      await assert.rejects(squashSet(pfs.context, ids[2] ?? '', ACTOR), {
        code: 'failed_precondition',
      });
      await compactOn(pfs);
      await collectOn(pfs, { graceMs: 0 });
      await collectOn(pfs, { graceMs: 0 });
      const later = await openTestPfs({ t, store: bucket });
      for (const [i, isThere] of [true, false, true, false].entries()) {
        const read = readAll(later, `data@${ids[i]}`);
        await (isThere
          ? read.then((files) => assert.deepEqual(files, all[i]))
          : assert.rejects(read, { code: 'not_found' }));
      }
      assert.deepEqual(await readAll(later, 'data@master'), all[2]);
      assert.deepEqual((await check(bucket)).damage, []);
      await checkByGit(t, later, 'data');
    });
  });
}
