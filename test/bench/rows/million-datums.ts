// A job with a million datums: when the first one begins, and what the engine holds while it goes on.

import { setTimeout as delay } from 'node:timers/promises';
import type { BenchEngine } from '../bench-engine.ts';
import { frames, smallFiles } from '../data.ts';
import { commitToOutput, createPipelines } from '../pipelines.ts';
import type { Row } from '../row.ts';

/** How long the job runs while memory is looked at, in milliseconds. */
const RUN_MS = 30_000;

export const millionDatums: Row = {
  name: 'million-datums',
  about: 'when the first of 1,000,000 datums begins, and the memory of the engine 30 s later',
  needs: ['docker'],
  diskGiB: 3,
  async run(bench) {
    const count = bench.size(1_000_000, 5000);
    const engine = await bench.engine();
    for (const repo of ['data', 'warm']) {
      await engine.pfs('create', 'repo', repo);
    }
    // Docker is looked at when the first worker starts.
    await createPipelines(bench, engine, [{ name: 'first', repo: 'warm', glob: '/' }]);
    const warm = [{ path: '/file', data: Buffer.from('warm') }];
    await commitToOutput(engine, { repo: 'warm', pipeline: 'first' }, warm);
    await engine.put('data', frames(smallFiles(count)));
    const command = ['true'];
    const spec = { name: 'million', repo: 'data', glob: '/*/*', workers: 2, command };
    await createPipelines(bench, engine, [spec]);
    const began = await firstDatum(engine, 'million');
    await delay(bench.size(RUN_MS, 2000));
    const resident = engine.residentBytes() / 2 ** 20;
    await engine.pfs('stop', 'pipeline', 'million');
    await bench.close(engine);
    return [
      {
        work: `from the job of ${count} datums to its first`,
        unit: 's',
        ours: [began],
        goal: { of: 'max', most: 1 },
      },
      { work: `memory while ${count} datums run`, unit: 'MiB', ours: [resident] },
    ];
  },
};

/** Waits until a worker is at the first datum of a pipeline's job; returns the seconds from the claim of the job on. */
async function firstDatum(engine: BenchEngine, pipeline: string): Promise<number> {
  const { client } = engine;
  const { id } = await client.call('GET /repos/{project}/{repo}/commits/{ref}', {
    params: { project: 'default', repo: pipeline, ref: 'master' },
  });
  for (;;) {
    const job = await client.call('GET /pipelines/{project}/{pipeline}/jobs/{id}', {
      params: { project: 'default', pipeline, id },
    });
    const begun = (job.workers ?? []).flatMap(({ since }) => (since === null ? [] : [since]));
    if (begun.length > 0 || job.datums.processed > 0) {
      const first = Math.min(Date.now(), ...begun.map((time) => Date.parse(time)));
      return (first - Date.parse(job.started ?? job.created)) / 1000;
    }
    await delay(20);
  }
}
