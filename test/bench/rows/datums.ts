// What a datum costs: alone from the commit to the output, in thousands, and beside what its own process costs.

import { randomBytes } from 'node:crypto';
import type { BenchEngine } from '../bench-engine.ts';
import { frames, smallFiles } from '../data.ts';
import { interleaved } from '../figures.ts';
import {
  commitToOutput,
  createPipelines,
  dockerRun,
  IdleContainer,
  outputOf,
} from '../pipelines.ts';
import type { Row } from '../row.ts';
import type { Workspace } from '../workspace.ts';

/** Makes a pipeline with warm workers; returns a function that commits so many new datums and gives the seconds they took. */
async function datumMaker(
  bench: Workspace,
  engine: BenchEngine,
  { workers = 1, glob = '/*' },
): Promise<(count: number) => Promise<number>> {
  const name = `copy${workers}`;
  const repo = `data${workers}`;
  await engine.pfs('create', 'repo', repo);
  await createPipelines(bench, engine, [{ name, repo, workers, glob }]);
  let commits = 0;
  const make = async (count: number): Promise<number> => {
    commits += 1;
    const prefix = `/c${commits}-`;
    const files = [...smallFiles(count, { flat: true })].map(({ path, data }) => ({
      path: `${prefix}${path.slice(1)}`,
      data,
    }));
    const { id } = await engine.put(repo, frames(files));
    const started = performance.now();
    const job = await outputOf(engine, name, id);
    if (job.datums.processed !== count) {
      throw new Error(`${job.datums.processed} of ${count} datums were processed`);
    }
    return (performance.now() - started) / 1000;
  };
  await make(workers * 20);
  return make;
}

export const commitOutput: Row = {
  name: 'commit-output',
  about:
    'from a commit to its output through one trivial datum in a warm worker, beside docker run',
  needs: ['docker'],
  diskGiB: 1,
  async run(bench) {
    const engine = await bench.engine();
    await engine.pfs('create', 'repo', 'data');
    await createPipelines(bench, engine, [{ name: 'copy', repo: 'data', glob: '/' }]);
    const one = () =>
      commitToOutput(engine, { repo: 'data', pipeline: 'copy' }, [
        { path: '/file', data: randomBytes(16) },
      ]);
    await dockerRun('true');
    for (let i = 0; i < 20; i += 1) {
      await one();
    }
    // Five of ours in each round: a container started beside them is no part of what they cost.
    const ours: number[] = [];
    const { theirs } = await interleaved(bench.size(20, 2), {
      ours: async () => {
        for (let i = 0; i < 5; i += 1) {
          ours.push(await one());
        }
        return 0;
      },
      theirs: () => dockerRun('true'),
    });
    await bench.close(engine);
    return [
      {
        work: 'commit to output, warm worker, p50',
        unit: 'ms',
        ours,
        against: { what: 'docker run', values: theirs },
        goal: { of: 'ratio', most: 0.1 },
      },
    ];
  },
};

export const manyDatums: Row = {
  name: 'many-datums',
  about: '10,000 trivial datums with 2 workers, beside docker exec for each, 2 at a time',
  needs: ['docker'],
  diskGiB: 1,
  async run(bench) {
    const count = bench.size(10_000, 200);
    const engine = await bench.engine();
    const make = await datumMaker(bench, engine, { workers: 2 });
    const container = new IdleContainer();
    await container.start();
    const values = await interleaved(bench.rounds(3), {
      ours: async () => count / (await make(count)),
      theirs: () => execRate(container, bench.size(200, 10)),
    });
    await container.stop();
    await bench.close(engine);
    return [
      {
        work: `${count} trivial datums, 2 workers`,
        unit: '/s',
        ours: values.ours,
        against: { what: 'docker exec', values: values.theirs },
        goal: { of: 'ratio', least: 30 },
      },
    ];
  },
};

/** Runs `docker exec` `count` times, 2 at a time; returns how many a second there were. */
async function execRate(container: IdleContainer, count: number): Promise<number> {
  const started = performance.now();
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await container.exec('true');
    }
  };
  await Promise.all([lane(), lane()]);
  return count / ((performance.now() - started) / 1000);
}

/**
 * A shell that does so often what the user's own process does for one trivial datum: fork, exec, one small file read and
 * one made. By its path, since the shell of busybox would not even start a program of its own name.
 */
const LOOP = `mkdir -p /floor/in /floor/out; echo some bytes >/floor/in/file; i=0
while [ $i -lt $0 ]; do /bin/cp /floor/in/file /floor/out/$i; i=$((i + 1)); done </dev/null
rm -rf /floor`;

export const datumFloor: Row = {
  name: 'datum-floor',
  about: 'a trivial datum of a thousand, one worker, beside fork, exec and two small files there',
  needs: ['docker'],
  diskGiB: 1,
  async run(bench) {
    const count = bench.size(1000, 200);
    const engine = await bench.engine();
    const make = await datumMaker(bench, engine, { workers: 1 });
    const container = new IdleContainer();
    await container.start();
    const values = await interleaved(bench.rounds(10), {
      ours: async () => ((await make(count)) * 1000) / count,
      theirs: async () => await floorOf(container, count),
    });
    await container.stop();
    await bench.close(engine);
    return [
      {
        work: `a trivial datum of ${count}, 1 worker`,
        unit: 'ms',
        ours: values.ours,
        against: { what: 'cp in a shell loop there', values: values.theirs },
        goal: { of: 'ratio', most: 2 },
      },
    ];
  },
};

/** Returns the milliseconds of one round of the loop, without what starting the loop takes. */
async function floorOf(container: IdleContainer, count: number): Promise<number> {
  const empty = await container.exec('sh', '-c', LOOP, '0');
  const full = await container.exec('sh', '-c', LOOP, String(count));
  return ((full - empty) * 1000) / count;
}
