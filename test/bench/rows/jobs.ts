// What jobs cost beside the work in them: a thousand shell jobs, a run in which nothing changed, one new datum among many,
// and jobs with a long history behind them.

import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchEngine } from '../bench-engine.ts';
import { frames, smallFiles } from '../data.ts';
import { interleaved } from '../figures.ts';
import { commitToOutput, createPipelines, outputOf } from '../pipelines.ts';
import { seconds } from '../program.ts';
import type { Row } from '../row.ts';
import type { Workspace } from '../workspace.ts';

/** After so long, what an engine does when it starts is over, and the memory that this took is given back. */
const SETTLE_MS = 60_000;
const SHELL = 'cp "$data" /pfs/out/';

export const shellJobs: Row = {
  name: 'shell-jobs',
  about:
    '1,000 trivial shell jobs with 2 workers, and a run with nothing to do, beside snakemake -j2',
  needs: ['docker', 'snakemake'],
  diskGiB: 1,
  async run(bench) {
    const count = bench.size(1000, 50);
    const engine = await bench.engine();
    const run = await oursOf(bench, engine);
    const values = await interleaved(bench.rounds(3), {
      ours: async (round) => await run(`/r${round}`, count),
      theirs: async () => await snakemake(bench, count),
    });
    const folder = snakeFolder(bench, count);
    await runSnakemake(folder);
    const files = [...smallFiles(count, { flat: true })].map(({ path, data }) => {
      return { path: `/same${path}`, data };
    });
    await commitToOutput(engine, { repo: 'data', pipeline: 'shell' }, files);
    const again = await interleaved(bench.rounds(5), {
      ours: async () =>
        (await commitToOutput(engine, { repo: 'data', pipeline: 'shell' }, files, {
          withCommit: true,
        })) / 1000,
      theirs: async () => await runSnakemake(folder),
    });
    await bench.close(engine);
    return [
      {
        work: `${count} shell jobs, 2 workers`,
        unit: 's',
        ours: values.ours,
        against: { what: 'snakemake -j2', values: values.theirs },
        goal: { of: 'ratio', most: 0.15 },
      },
      {
        work: 'the same files again, nothing to do',
        unit: 's',
        ours: again.ours,
        against: { what: 'snakemake -j2', values: again.theirs },
        goal: { of: 'ratio', most: 0.1 },
      },
    ];
  },
};

/** Makes a pipeline of a shell command; returns a function that commits files and waits, and gives the seconds of both. */
async function oursOf(
  bench: Workspace,
  engine: BenchEngine,
): Promise<(prefix: string, count: number) => Promise<number>> {
  const command = ['sh', '-c', SHELL];
  await engine.pfs('create', 'repo', 'data');
  const spec = { name: 'shell', repo: 'data', glob: '/*/*', workers: 2, command };
  await createPipelines(bench, engine, [spec]);
  const run = async (prefix: string, count: number): Promise<number> => {
    const files = [...smallFiles(count, { flat: true })].map(({ path, data }) => {
      return { path: `${prefix}/${prefix.slice(1)}-${path.slice(1)}`, data };
    });
    const to = { repo: 'data', pipeline: 'shell' };
    return (await commitToOutput(engine, to, files, { withCommit: true })) / 1000;
  };
  await run('/warm', 20);
  return run;
}

/** A folder with so many inputs, and rules that copy each. */
function snakeFolder(bench: Workspace, count: number): string {
  const folder = bench.fresh('snake');
  mkdirSync(join(folder, 'in'), { recursive: true });
  for (let i = 0; i < count; i += 1) {
    writeFileSync(join(folder, 'in', `${i}.bin`), randomBytes(16));
  }
  writeFileSync(
    join(folder, 'Snakefile'),
    `rule all:
    input: expand("out/{n}.bin", n=range(${count}))
rule copy:
    input: "in/{n}.bin"
    output: "out/{n}.bin"
    shell: "cp {input} {output}"
`,
  );
  return folder;
}

async function snakemake(bench: Workspace, count: number): Promise<number> {
  const folder = snakeFolder(bench, count);
  const took = await runSnakemake(folder);
  bench.remove(folder);
  return took;
}

async function runSnakemake(folder: string): Promise<number> {
  return await seconds('snakemake', ['-j2', '--quiet', '--nolock'], {
    cwd: folder,
    env: { XDG_CACHE_HOME: join(folder, 'cache'), HOME: folder },
  });
}

export const oneNewDatum: Row = {
  name: 'one-new-datum',
  about: 'a job with 100,000 unchanged datums and 1 new one, beside one with 1,000 unchanged',
  needs: ['docker'],
  diskGiB: 4,
  async run(bench) {
    const count = bench.size(100_000, 1000);
    const engine = await bench.engine();
    for (const [name, files] of [
      ['many', count],
      ['few', bench.size(1000, 100)],
    ] as const) {
      await withDatums(bench, engine, { name, files });
    }
    const one = (name: string) => async (round: number) =>
      await commitToOutput(engine, { repo: name, pipeline: `${name}-out` }, [
        { path: `/d0000/new${round}`, data: randomBytes(16) },
      ]);
    for (const name of ['many', 'few']) {
      for (let i = 0; i < 3; i += 1) {
        await one(name)(-1 - i);
      }
    }
    const values = await interleaved(bench.size(30, 3), { ours: one('many'), theirs: one('few') });
    await bench.close(engine);
    return [
      {
        work: `1 new datum among ${count}, p50`,
        unit: 'ms',
        ours: values.ours,
        against: { what: 'among 1,000', values: values.theirs },
        goal: { of: 'ratio', most: 3 },
      },
    ];
  },
};

/** Makes a repo and a pipeline that has processed each of its files. The datums write nothing: only their number counts. */
async function withDatums(
  bench: Workspace,
  engine: BenchEngine,
  { name, files }: { readonly name: string; readonly files: number },
): Promise<void> {
  await engine.pfs('create', 'repo', name);
  const command = ['true'];
  const pipeline = `${name}-out`;
  await engine.put(name, frames(smallFiles(files)));
  await createPipelines(bench, engine, [
    { name: pipeline, repo: name, glob: '/*/*', workers: 2, command },
  ]);
  const last = [{ path: '/d0000/last', data: randomBytes(4) }];
  const { id } = await engine.put(name, frames(last));
  await outputOf(engine, pipeline, id);
}

export const manyJobs: Row = {
  name: 'many-jobs',
  about: 'the 1,000th commit and job of a pipeline, beside the 10th of another',
  needs: ['docker'],
  diskGiB: 1,
  async run(bench) {
    const count = bench.size(1000, 30);
    const engine = await bench.engine();
    const one = (name: string) => async () =>
      await commitToOutput(
        engine,
        { repo: name, pipeline: `${name}-out` },
        [{ path: '/file', data: randomBytes(16) }],
        { withCommit: true },
      );
    for (const [name, jobs] of [
      ['old', count],
      ['young', 10],
    ] as const) {
      await engine.pfs('create', 'repo', name);
      await createPipelines(bench, engine, [{ name: `${name}-out`, repo: name, glob: '/' }]);
      for (let i = 0; i < jobs; i += 1) {
        await one(name)();
      }
    }
    const values = await interleaved(bench.size(50, 5), { ours: one('old'), theirs: one('young') });
    await bench.close(engine);
    return [
      {
        work: `commit and job ${count}, p50`,
        unit: 'ms',
        ours: values.ours,
        against: { what: 'commit and job 10', values: values.theirs },
        goal: { of: 'ratio', most: 1.2 },
      },
    ];
  },
};

export const idlePipelines: Row = {
  name: 'idle-pipelines',
  about: 'memory of an engine that has 1,000 pipelines and nothing to do',
  needs: ['docker'],
  diskGiB: 1,
  async run(bench) {
    const count = bench.size(1000, 50);
    const engine = await bench.engine();
    await engine.pfs('create', 'repo', 'data');
    const all = Array.from({ length: count }, (_, i) => ({ name: `p${i}`, repo: 'data' }));
    for (let from = 0; from < count; from += 50) {
      await createPipelines(bench, engine, all.slice(from, from + 50));
    }
    await engine.stop();
    await engine.start();
    await delay(SETTLE_MS);
    const resident = engine.residentBytes() / 2 ** 20;
    await bench.close(engine);
    return [
      {
        work: `memory with ${count} pipelines, a minute idle`,
        unit: 'MiB',
        ours: [resident],
        goal: { of: 'max', most: 150 },
      },
    ];
  },
};
