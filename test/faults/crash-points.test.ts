// Every change of the file system is a place to die: a process is killed before each of them, with and without the power
// failing, and what it had acknowledged is there, whole, and nothing else in part. Each run takes some of the places, by a
// seed; PFS_CRASH_POINTS=all takes all of them.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import { newFormat } from '../../engine/object/format.ts';
import { MemoryObjectStore } from '../../engine/object/memory.ts';
import { checkStore } from '../../engine/upkeep/check.ts';
import { createRepos, openTestPfs } from '../support/pfs.ts';
import { chosenSeed } from '../support/seed.ts';
import { runJobs } from './crash-job-steps.ts';
import { describeStore } from './crash-look.ts';
import { CHAPTERS, type Chapter } from './crash-steps.ts';
import type { DiskEvent } from './disk-shim.ts';
import { losePower } from './power-loss.ts';

const CHANCE = { clock: new SystemClock(), random: new SeededRandom(11) };
const PARALLEL = 2;
/** Of each chapter. */
const POINTS = Number((process.env.PFS_CRASH_POINTS ?? '50').replace('all', 'Infinity'));
const SEED = chosenSeed();
/** Where a sync takes no time, where there is such a place: what it means is simulated. */
const FAST_DISK = '/dev/shm';

/** Makes one file of the process and of all that it imports, and one of its thread: hundreds of them must start quickly. */
async function bundleProcess(file: string): Promise<void> {
  const { resolve } = createRequire(createRequire(import.meta.url).resolve('tsx'));
  const { build } = (await import(resolve('esbuild'))) as {
    build(options: object): Promise<unknown>;
  };
  const bundle = async (source: string, outfile: string) =>
    await build({
      entryPoints: [fileURLToPath(new URL(source, import.meta.url))],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      logLevel: 'error',
      define: { 'import.meta.url': 'thisFile' },
      banner: { js: 'const thisFile = require("node:url").pathToFileURL(__filename).href;' },
    });
  await bundle('crash-process.ts', file);
  await bundle('../../engine/object/hash-worker.ts', join(dirname(file), 'hash-worker.js'));
}

/** What a store looks like after so many steps. */
async function describeSteps(chapter: Chapter): Promise<string[]> {
  const pfs = await openTestPfs({ store: new MemoryObjectStore() });
  const looks = [await describeStore(pfs)];
  for (const step of Object.values(CHAPTERS[chapter])) {
    await step(pfs);
    looks.push(await describeStore(pfs));
  }
  await pfs.context.journal.close();
  return looks;
}

/** Returns one of each of as many equal stretches of 1 to `last` as there are to be points. */
function choosePoints(last: number, random: SeededRandom): number[] {
  const count = Math.min(last, POINTS);
  const at = (i: number) => ((i + (count === last ? 0 : random.fraction())) * last) / count;
  // Neighbours may share a place.
  return [...new Set(Array.from({ length: count }, (_, i) => Math.floor(at(i)) + 1))];
}

const folder = mkdtempSync(join(existsSync(FAST_DISK) ? FAST_DISK : tmpdir(), 'pfs-test-'));
const program = join(folder, 'crash-process.cjs');
before(() => bundleProcess(program));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const chapter of Object.keys(CHAPTERS) as Chapter[]) {
  describe(
    `a process that is killed before any change of the file system: ${chapter}`,
    {
      timeout: POINTS === Number.POSITIVE_INFINITY ? 4 * 3_600_000 : 900_000,
    },
    () => dieAnywhere(chapter),
  );
}

function dieAnywhere(chapter: Chapter): void {
  const stepCount = Object.keys(CHAPTERS[chapter]).length;
  let looks: string[];
  let last: number;

  before(async () => {
    looks = await describeSteps(chapter);
    const { events } = await die(0);
    last = Math.max(...events.map(({ n }) => n));
  });

  /** Runs the process until it is killed before change `n`, or to its end for 0. */
  async function die(n: number) {
    const home = join(folder, `${chapter}-${n}`);
    const directory = join(home, 'store');
    const [log, acknowledged] = [join(home, 'log'), join(home, 'acknowledged')];
    rmSync(home, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    const args = [program, chapter, directory, log, acknowledged, String(n)];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, TMPDIR: home },
    });
    const [code, signal] = await once(child, 'close');
    const lines = (file: string) =>
      existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
    const events = lines(log).map((line): DiskEvent => JSON.parse(line));
    const steps = lines(acknowledged).length;
    // What is written at once in one run may be written apart in another: so the end may come some changes earlier.
    const isAtEnd = code === 0 && steps === stepCount && (n === 0 || n > last * 0.9);
    assert.ok(isAtEnd || (n !== 0 && signal === 'SIGKILL'), `change ${n}: ${code} ${signal}`);
    return { home, directory, events, steps };
  }

  /** Opens what is left, and compares it with what was acknowledged. */
  async function examine(directory: string, steps: number, where: string): Promise<void> {
    const store = await FilesystemObjectStore.open(directory, CHANCE);
    await store.put('format', newFormat('f'.repeat(32)));
    for await (const report of checkStore(store, { data: true, ...CHANCE })) {
      const isBad = report.kind === 'finding' && report.level === 'damage';
      assert.ok(!isBad, `${where}: ${JSON.stringify(report)}`);
    }
    const pfs = await openTestPfs({ store });
    const found = await describeStore(pfs);
    const allowed = [looks[steps], looks[steps + 1] ?? looks[steps]];
    assert.ok(allowed.includes(found), `${where}: after step ${steps} it is\n${found}`);
    // What was under way comes to its end, and it can be written to.
    await runJobs(pfs);
    await createRepos(pfs, 'afterwards');
    await pfs.context.journal.close();
  }

  /** Looks at a copy of what is left, from which power was lost on top. The paths of the log are those of the directory. */
  async function examineAfterLoss(
    left: Awaited<ReturnType<typeof die>>,
    isLost: () => boolean,
    where: string,
  ): Promise<void> {
    const { directory, events, steps } = left;
    const aside = `${directory}-whole`;
    cpSync(directory, aside, { recursive: true });
    try {
      losePower(directory, events, isLost);
      await examine(directory, steps, where);
    } finally {
      rmSync(directory, { recursive: true, force: true });
      renameSync(aside, directory);
    }
  }

  it('has lost nothing that was acknowledged, and left nothing in part', async (t) => {
    const points = choosePoints(last, new SeededRandom(SEED));
    t.diagnostic(`${points.length} of ${last} places to die; PFS_SEED=${SEED}`);
    const again = `PFS_SEED=${SEED}`;
    const numbers = points.values();
    const work = async () => {
      for (const n of numbers) {
        const left = await die(n);
        const random = new SeededRandom(n);
        // All that was not synced is gone, or some of it by chance, which may have been written in any order.
        const isLost = () => n % 2 === 0 || random.fraction() < 0.5;
        await examineAfterLoss(
          left,
          isLost,
          `${again}: killed before change ${n}, and the power failed`,
        );
        await examine(left.directory, left.steps, `${again}: killed before change ${n}`);
        rmSync(left.home, { recursive: true });
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    assert.ok(last > 150);
  });

  for (const [what, isOf] of Object.entries({
    'the sync of a file': (path: string) => path.includes('/.tmp/'),
    'the sync of a directory': (path: string) => !path.includes('/.tmp/'),
  })) {
    it(`would have lost something without ${what}`, async () => {
      const left = await die(Math.floor(last / 2));
      const events = left.events.filter((event) => event.op !== 'sync' || !isOf(event.path));
      await assert.rejects(examineAfterLoss({ ...left, events }, () => true, what));
    });
  }
}
