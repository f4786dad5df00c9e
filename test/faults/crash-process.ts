// One process that goes through the steps of a chapter on a store in a directory, says which it has done, and is killed before a given
// change of the file system: <chapter> <directory> <file of the log> <file of acknowledgements> <number of the change>.

import { openSync, writeSync } from 'node:fs';
import { SeededRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import { openTestPfs } from '../support/pfs.ts';
import { CHAPTERS, type Chapter } from './crash-steps.ts';
import { watchDisk } from './disk-shim.ts';

async function main(): Promise<void> {
  const [chapter = '', directory = '', log = '', acknowledgements = '', killAt = '0'] =
    process.argv.slice(2);
  const done = openSync(acknowledgements, 'w');
  await watchDisk({ root: directory, log: openSync(log, 'w'), killAt: Number(killAt) });
  const random = new SeededRandom(Number(killAt) + 1);
  const store = await FilesystemObjectStore.open(directory, {
    clock: new SystemClock(),
    random,
    isSingleThread: true,
  });
  const pfs = await openTestPfs({ store });
  for (const [name, step] of Object.entries(CHAPTERS[chapter as Chapter])) {
    await step(pfs);
    writeSync(done, `${name}\n`);
  }
  await pfs.context.journal.close();
}

void main();
