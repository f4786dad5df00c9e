// Puts a random file of so many MiB into a store in a folder and gets it back, then says how much memory that took.

import { createHash, randomFillSync } from 'node:crypto';
import { SeededRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import { openTree } from '../../engine/pfs/commits.ts';
import { resolveFile } from '../../engine/pfs/files.ts';
import { type FilePart, putFiles } from '../../engine/pfs/upload.ts';
import { ACTOR, createRepos, openTestPfs, target } from './pfs.ts';

const MiB = 2 ** 20;
const [directory = '', mebibytes = '0'] = process.argv.slice(2);
const store = await FilesystemObjectStore.open(directory, {
  clock: new SystemClock(),
  random: new SeededRandom(process.pid),
});
const pfs = await openTestPfs({ store });
await createRepos(pfs, 'data');

const sent = createHash('sha256');
async function* file(): AsyncGenerator<readonly FilePart[]> {
  for (let i = 0; i < Number(mebibytes); i++) {
    const data = randomFillSync(Buffer.allocUnsafe(MiB));
    sent.update(data);
    const last = i + 1 === Number(mebibytes);
    yield [{ path: 'large', executable: false, data, first: i === 0, last }];
  }
}

const put = performance.now();
await putFiles(pfs.context, pfs.queue, {
  target: target('data@master'),
  append: false,
  parts: file(),
  request: ACTOR,
});
const get = performance.now();
const tree = await openTree(pfs.context, 'default/data', 'master');
const { id } = await resolveFile(tree.objects, tree.tree, { path: 'large', where: tree.where });
const received = createHash('sha256');
for await (const bytes of tree.readFile(id)) {
  received.update(bytes);
}
await pfs.context.journal.close();
console.log(
  JSON.stringify({
    same: sent.digest('hex') === received.digest('hex'),
    peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    putMs: Math.round(get - put),
    getMs: Math.round(performance.now() - get),
  }),
);
