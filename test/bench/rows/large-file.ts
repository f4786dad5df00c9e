// One large file, put, got, and put again with something inserted.

import { randomBytes, randomInt } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { withInsertion } from '../data.ts';
import { interleaved } from '../figures.ts';
import { copyAndSync } from '../others.ts';
import { seconds, settle } from '../program.ts';
import type { Line, Row } from '../row.ts';
import { sources } from '../sources.ts';
import type { Workspace } from '../workspace.ts';

const MiB = 1024 * 1024;

export const ingestLarge: Row = {
  name: 'ingest-large',
  about: 'put-file of 2 GiB, beside cp + sync and openssl dgst -sha256 together',
  needs: ['openssl'],
  diskGiB: 8,
  async run(bench) {
    const { large } = sources(bench);
    return besideCopyAndHash(bench, 'put', async () => {
      const engine = await bench.engine();
      await engine.pfs('create', 'repo', 'data');
      await settle();
      const took = await engine.time(['put', 'file', 'data@master:/large', '-f', large]);
      await bench.close(engine);
      return took;
    });
  },
};

export const restoreLarge: Row = {
  name: 'restore-large',
  about: 'get-file of 2 GiB, beside cp + sync and openssl dgst -sha256 together',
  needs: ['openssl'],
  diskGiB: 8,
  async run(bench) {
    const { large } = sources(bench);
    const engine = await bench.engine();
    await engine.pfs('create', 'repo', 'data');
    await engine.pfs('put', 'file', 'data@master:/large', '-f', large);
    const target = bench.fresh('got');
    const lines = await besideCopyAndHash(bench, 'get', async () => {
      await settle();
      const took = await engine.time(['get', 'file', 'data@master:/large', '-o', target]);
      bench.remove(target);
      return took;
    });
    await bench.close(engine);
    return lines;
  },
};

async function besideCopyAndHash(
  bench: Workspace,
  verb: string,
  ours: () => Promise<number>,
): Promise<readonly Line[]> {
  const { large, largeBytes } = sources(bench);
  const values = await interleaved(bench.rounds(5), {
    ours,
    theirs: async () => {
      const copy = await copyAndSync(bench, large);
      return copy + (await seconds('openssl', ['dgst', '-sha256', large]));
    },
  });
  return [
    {
      work: `${verb} ${largeBytes / MiB} MiB`,
      unit: 's',
      ours: values.ours,
      against: { what: 'cp + sync, openssl', values: values.theirs },
      goal: { of: 'ratio', most: 1.2 },
    },
  ];
}

export const insertion: Row = {
  name: 'insertion',
  about: 'bytes that the store grows by when 2 GiB are put again with 1 MiB inserted, 50 places',
  needs: [],
  diskGiB: 8,
  async run(bench) {
    const { large, largeBytes } = sources(bench);
    // A merge of small packs would be counted as if it were new: it holds twice what it merges until the grace is over.
    const engine = await bench.engine({ env: { PFS_COMPACT: '0' } });
    await engine.pfs('create', 'repo', 'data');
    await engine.pfs('put', 'file', 'data@master:/large', '-f', large);
    const grown: number[] = [];
    for (let place = 0; place < bench.size(50, 3); place += 1) {
      const before = sizeOf(engine.folder);
      const input = withInsertion(large, {
        at: randomInt(largeBytes),
        inserted: randomBytes(MiB),
      });
      await engine.time(['put', 'file', 'data@master:/large', '-f', '-'], { input });
      grown.push((sizeOf(engine.folder) - before) / MiB);
    }
    await bench.close(engine);
    const work = `1 MiB inserted, ${grown.length} places`;
    return [
      { work: `${work}: median`, unit: 'MiB', ours: grown, goal: { of: 'median', most: 24 } },
      { work: `${work}: worst`, unit: 'MiB', ours: grown, goal: { of: 'max', most: 48 } },
    ];
  },
};

/** Returns the bytes of all files below a folder. */
function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(`${parentPath}/${name}`).size, 0);
}
