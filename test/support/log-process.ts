// Logs so many MiB of lines of one job, while one reader follows slowly and the store is slow; then reads them in several ways, and
// says how much memory all of it took.

import { SeededRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { JobLogs } from '../../engine/jobs/logs.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';

const [directory = '', mebibytes = '0'] = process.argv.slice(2);
const clock = new SystemClock();
const store = await FilesystemObjectStore.open(directory, { clock, random: new SeededRandom(1) });
const logs = new JobLogs(store, { clock, maxDatumBytes: 2 ** 30 });
const job = { id: '0190a0000000700080000000000000ab', pipeline: 'default/model' };
const line = `${'x'.repeat(1023)}\n`;
const end = new AbortController();
let followed = 0;
const following = (async () => {
  for await (const _ of logs.follow({ job: job.id, signal: end.signal })) {
    followed += 1;
    if (followed % 1000 === 0) {
      await clock.sleep(1);
    }
  }
})();
const log = logs.open(job, 'd'.repeat(64));
const before = process.memoryUsage().rss;
for (let sent = 0; sent < Number(mebibytes); sent++) {
  await log.write(Buffer.from(line.repeat(1024)));
}
await log.end();
await logs.flush(job);
end.abort();
await following;
const count = async (options: object) => {
  let lines = 0;
  for await (const _ of logs.read({ job: job.id, ...options })) {
    lines += 1;
  }
  return lines;
};
const all = await count({});
const tail = await count({ tail: 1e9 });
const none = await count({ text: 'absent' });
const grownMiB = Math.round(process.resourceUsage().maxRSS / 1024 - before / 2 ** 20);
console.log(JSON.stringify({ followed, all, tail, none, grownMiB }));
