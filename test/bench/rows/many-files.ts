// Reading a commit with a million files: list, glob and diff, the first page of each and all of it.

import type { EngineClient } from '../../../cli/client.ts';
import { type RefParams, refParams } from '../../../client/params.ts';
import { frames, smallFiles } from '../data.ts';
import { interleaved } from '../figures.ts';
import type { Line, Row } from '../row.ts';

/** What is asked about a commit's files. */
type Ask = (repo: string, limit?: number) => AsyncIterable<readonly unknown[]>;

const MOST_ON_A_PAGE = 10_000;

export const manyFiles: Row = {
  name: 'many-files',
  about: 'list, glob and diff of a commit with 1,000,000 files in 1,000 directories',
  needs: [],
  diskGiB: 2,
  async run(bench) {
    const count = bench.size(1_000_000, 5000);
    const engine = await bench.engine();
    for (const [repo, files] of [
      ['many', count],
      ['few', 1000],
    ] as const) {
      await engine.pfs('create', 'repo', repo);
      await engine.put(repo, frames(smallFiles(files)));
    }
    const first = await engine.client.call('GET /repos/{project}/{repo}/commits/{ref}', {
      params: masterOf('many'),
    });
    await engine.put('many', frames([{ path: '/d0000/7.bin', data: Buffer.from('changed') }]));
    const { client } = engine;
    const requests: [string, Ask][] = [
      [
        'list',
        (repo, limit) =>
          client.pages('GET /repos/{project}/{repo}/files/{ref}/list', {
            params: masterOf(repo),
            query: { path: '/', recursive: true, limit },
          }),
      ],
      [
        'glob',
        (repo, limit) =>
          client.pages('GET /repos/{project}/{repo}/files/{ref}/glob', {
            params: masterOf(repo),
            query: { pattern: '/**', limit },
          }),
      ],
    ];
    const lines: Line[] = [];
    for (const [verb, ask] of requests) {
      const values = await interleaved(bench.size(20, 2), {
        ours: () => timePage(ask('many')),
        theirs: () => timePage(ask('few')),
      });
      lines.push({
        work: `${verb} of ${count} files: first page`,
        unit: 'ms',
        ours: values.ours,
        against: { what: 'of 1,000 files', values: values.theirs },
      });
    }
    for (const [verb, ask] of requests) {
      const { ours } = await interleaved(bench.rounds(2), {
        ours: () => timeAll(ask('many', MOST_ON_A_PAGE)),
      });
      lines.push({ work: `${verb} of ${count} files: all`, unit: 's', ours });
    }
    const old = `default/many@${first.id}:/`;
    const { one, all } = await interleaved(bench.rounds(3), {
      one: () => timePage(diff(client, old)),
      all: () => timeAll(diff(client, 'default/few@master:/', MOST_ON_A_PAGE)),
    });
    lines.push(
      { work: `diff of ${count} files, 1 changed`, unit: 'ms', ours: one },
      { work: `diff of ${count} files, all changed: all`, unit: 's', ours: all },
    );
    await bench.close(engine);
    return lines;
  },
};

function masterOf(repo: string): RefParams {
  return refParams({ project: 'default', name: repo }, 'master');
}

/** Compares master of `many` with another tree. */
function diff(
  client: EngineClient,
  old: string,
  limit?: number,
): AsyncIterable<readonly unknown[]> {
  return client.pages('GET /repos/{project}/{repo}/files/{ref}/diff', {
    params: masterOf('many'),
    query: { path: '/', old, limit },
  });
}

async function timePage(pages: AsyncIterable<readonly unknown[]>): Promise<number> {
  const started = performance.now();
  for await (const _ of pages) {
    break;
  }
  return performance.now() - started;
}

async function timeAll(pages: AsyncIterable<readonly unknown[]>): Promise<number> {
  const started = performance.now();
  for await (const _ of pages) {
    // Only the time counts.
  }
  return (performance.now() - started) / 1000;
}
