// What many commits to one large directory leave behind, once merged, and what reading them costs then.

import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchEngine } from '../bench-engine.ts';
import { frames, smallFiles } from '../data.ts';
import { interleaved } from '../figures.ts';
import type { Row } from '../row.ts';

const KiB = 1024;
/** Merging and deletion at every so many commits keep the disk from filling. */
const COLLECT_EVERY = 100;

function packBytes(engine: BenchEngine): number {
  const folder = join(engine.folder, 'packs');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

/** Merges all there is, and deletes what that took out of use: once to let go, once to delete. */
async function collect(engine: BenchEngine): Promise<void> {
  await engine.pfs('collect', '--grace', '0');
  await engine.pfs('collect', '--grace', '0');
}

/** Commits a change of one file; returns the commit's id. */
async function change(engine: BenchEngine, path: string): Promise<string> {
  return (await engine.put('flat', frames([{ path, data: randomBytes(100) }]))).id;
}

async function list(engine: BenchEngine, commit: string): Promise<number> {
  const started = performance.now();
  await engine.client.call('GET /repos/{project}/{repo}/files/{ref}/list', {
    params: { project: 'default', repo: 'flat', ref: commit },
    query: { path: '/', limit: 10 },
  });
  return performance.now() - started;
}

export const growth: Row = {
  name: 'growth',
  about: 'what 1,000 commits of one file each into a directory of 100,000 leave, and reading them',
  needs: [],
  diskGiB: 4,
  async run(bench) {
    const files = bench.size(100_000, 2000);
    const count = bench.size(1000, 40);
    const reads = bench.size(40, 10);
    const merged = await bench.engine({ env: { PFS_COLLECT_EVERY_MS: '0' } });
    const plain = await bench.engine({ env: { PFS_COLLECT_EVERY_MS: '0', PFS_COMPACT: '0' } });
    for (const engine of [merged, plain]) {
      await engine.pfs('create', 'repo', 'flat');
      await engine.put('flat', frames(smallFiles(files, { flat: true })));
    }
    await collect(merged);
    const before = packBytes(merged);
    const commits: { merged: string; plain: string }[] = [];
    for (let i = 0; i < count; i++) {
      const path = `/${(i * 997) % files}.bin`;
      const id = await change(merged, path);
      if (i < reads) {
        commits.push({ merged: id, plain: await change(plain, path) });
      }
      if (i % COLLECT_EVERY === COLLECT_EVERY - 1) {
        await collect(merged);
      }
    }
    await collect(merged);
    const grown = (packBytes(merged) - before) / count / KiB;
    const values = await interleaved(commits.length, {
      ours: (round) => list(merged, commits[round]?.merged ?? ''),
      theirs: (round) => list(plain, commits[round]?.plain ?? ''),
    });
    await bench.close(merged);
    await bench.close(plain);
    return [
      {
        work: `growth per commit into ${files} flat files`,
        unit: 'KiB',
        ours: [grown],
        goal: { of: 'max', most: 16 },
      },
      {
        work: 'list a commit of that store, p50',
        unit: 'ms',
        ours: values.ours,
        against: { what: 'where nothing was merged', values: values.theirs },
        goal: { of: 'ratio', most: 1.5 },
      },
    ];
  },
};
