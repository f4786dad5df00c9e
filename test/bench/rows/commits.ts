// Small commits through the API: how long one takes, and what that depends on.

import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchEngine } from '../bench-engine.ts';
import { frames, smallFiles } from '../data.ts';
import { interleaved } from '../figures.ts';
import { durableWrite } from '../others.ts';
import type { Row } from '../row.ts';

/** Commits one small file; returns the milliseconds until that was acknowledged. */
async function putOne(engine: BenchEngine, repo: string, path = '/file'): Promise<number> {
  const started = performance.now();
  await engine.put(repo, frames([{ path, data: randomBytes(100) }]));
  return performance.now() - started;
}

async function warm(engine: BenchEngine, repos: readonly string[]): Promise<void> {
  for (const repo of repos) {
    await engine.pfs('create', 'repo', repo);
    for (let i = 0; i < 10; i += 1) {
      await putOne(engine, repo);
    }
  }
}

export const smallPut: Row = {
  name: 'small-put',
  about: 'put-file -c of one small file through the API, beside a durable write of one file',
  needs: [],
  diskGiB: 1,
  async run(bench) {
    const engine = await bench.engine();
    await warm(engine, ['data']);
    const folder = bench.fresh('durable');
    const values = await interleaved(bench.size(300, 10), {
      ours: () => putOne(engine, 'data'),
      theirs: async (round) => durableWrite(join(folder, `${round}`), randomBytes(100)),
    });
    await bench.close(engine);
    return [
      {
        work: 'put -c of 100 bytes, p50',
        unit: 'ms',
        ours: values.ours,
        against: { what: 'durable write', values: values.theirs },
        goal: { of: 'ratio', most: 5 },
      },
    ];
  },
};

export const flatPut: Row = {
  name: 'flat-put',
  about: 'put-file -c of one file into a directory of 100,000, beside one into an empty repo',
  needs: [],
  diskGiB: 4,
  async run(bench) {
    const count = bench.size(100_000, 2000);
    const engine = await bench.engine();
    await warm(engine, ['empty', 'flat']);
    await engine.put('flat', frames(smallFiles(count, { flat: true })));
    const values = await interleaved(bench.size(100, 5), {
      ours: (round) => putOne(engine, 'flat', `/${(round * 997) % count}.bin`),
      theirs: () => putOne(engine, 'empty'),
    });
    await bench.close(engine);
    return [
      {
        work: `put -c into ${count} flat files, p50`,
        unit: 'ms',
        ours: values.ours,
        against: { what: 'into an empty repo', values: values.theirs },
        goal: { of: 'ratio', most: 10 },
      },
    ];
  },
};

export const manyCommits: Row = {
  name: 'many-commits',
  about: 'put-file -c as the 10,000th commit of a repo, beside the 10th of another',
  needs: [],
  diskGiB: 2,
  async run(bench) {
    const count = bench.size(10_000, 100);
    const engine = await bench.engine();
    await warm(engine, ['old', 'young']);
    for (let i = 10; i < count; i += 1) {
      await putOne(engine, 'old');
    }
    const values = await interleaved(bench.size(200, 5), {
      ours: () => putOne(engine, 'old'),
      theirs: () => putOne(engine, 'young'),
    });
    await bench.close(engine);
    return [
      {
        work: `put -c as commit ${count}, p50`,
        unit: 'ms',
        ours: values.ours,
        against: { what: 'as commit 10', values: values.theirs },
        goal: { of: 'ratio', most: 1.2 },
      },
    ];
  },
};

export const manyClients: Row = {
  name: 'many-clients',
  about: '8 clients that put to 8 repos at once, beside one alone; entries of the journal for them',
  needs: [],
  diskGiB: 1,
  async run(bench) {
    const engine = await bench.engine();
    const repos = Array.from({ length: 8 }, (_, i) => `repo${i}`);
    await warm(engine, repos);
    const span = bench.size(4000, 300);
    const perEntry: number[] = [];
    const values = await interleaved(bench.rounds(3), {
      ours: async () => {
        const before = journalLength(engine);
        const rates = await Promise.all(repos.map((repo) => rate(engine, repo, span)));
        const done = rates.reduce((sum, one) => sum + one, 0);
        perEntry.push((done * span) / 1000 / (journalLength(engine) - before));
        return done;
      },
      theirs: () => rate(engine, 'repo0', span),
    });
    await bench.close(engine);
    return [
      {
        work: '8 clients, 8 repos: transactions',
        unit: '/s',
        ours: values.ours,
        against: { what: '1 client', values: values.theirs },
      },
      { work: '8 clients: transactions per journal entry', unit: '×', ours: perEntry },
    ];
  },
};

/** Puts one small file after the other for `ms`; returns how many a second were acknowledged. */
async function rate(engine: BenchEngine, repo: string, ms: number): Promise<number> {
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < ms) {
    await putOne(engine, repo);
    done += 1;
  }
  return (done * 1000) / ms;
}

function journalLength(engine: BenchEngine): number {
  return readdirSync(join(engine.folder, 'journal')).length;
}
