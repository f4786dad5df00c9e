// Reading a commit with a million files: list, glob and diff, the first page of each and all of it.

import type { Client, Query } from '../../../cli/client.ts';
import type { Page } from '../../../engine/server/wire.ts';
import { frames, smallFiles } from '../data.ts';
import { interleaved } from '../figures.ts';
import type { Line, Row } from '../row.ts';

const FILES = '/repos/default';

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
    const first = await engine.client.get<{ id: string }>('/repos/default/many/commits/master');
    await engine.put('many', frames([{ path: '/d0000/7.bin', data: Buffer.from('changed') }]));
    const { client } = engine;
    const requests: [string, Query][] = [
      ['list', { path: '/', recursive: true }],
      ['glob', { pattern: '/**' }],
    ];
    const lines: Line[] = [];
    for (const [verb, query] of requests) {
      const values = await interleaved(bench.size(20, 2), {
        ours: () => timePage(client, `${FILES}/many/files/master/${verb}`, query),
        theirs: () => timePage(client, `${FILES}/few/files/master/${verb}`, query),
      });
      lines.push({
        work: `${verb} of ${count} files: first page`,
        unit: 'ms',
        ours: values.ours,
        against: { what: 'of 1,000 files', values: values.theirs },
      });
    }
    for (const [verb, query] of requests) {
      const { ours } = await interleaved(bench.rounds(2), {
        ours: () => timeAll(client, `${FILES}/many/files/master/${verb}`, query),
      });
      lines.push({ work: `${verb} of ${count} files: all`, unit: 's', ours });
    }
    const old = `default/many@${first.id}:/`;
    const { one, all } = await interleaved(bench.rounds(3), {
      one: () => timePage(client, `${FILES}/many/files/master/diff`, { path: '/', old }),
      all: () =>
        timeAll(client, `${FILES}/many/files/master/diff`, {
          path: '/',
          old: 'default/few@master:/',
        }),
    });
    lines.push(
      { work: `diff of ${count} files, 1 changed`, unit: 'ms', ours: one },
      { work: `diff of ${count} files, all changed: all`, unit: 's', ours: all },
    );
    await bench.close(engine);
    return lines;
  },
};

async function timePage(client: Client, route: string, query: Query): Promise<number> {
  const started = performance.now();
  await client.get<Page<unknown>>(route, query);
  return performance.now() - started;
}

async function timeAll(client: Client, route: string, query: Query): Promise<number> {
  const started = performance.now();
  for await (const _ of client.pages<unknown>(route, { ...query, limit: 10_000 })) {
    // Only the time counts.
  }
  return (performance.now() - started) / 1000;
}
