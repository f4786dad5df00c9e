// Opening a store that has a long history behind it.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { interleaved } from '../figures.ts';
import { makeHistory } from '../long-history.ts';
import type { Row } from '../row.ts';
import type { Workspace } from '../workspace.ts';

export const openStore: Row = {
  name: 'open-store',
  about: 'starting an engine on a store with 1,000,000 finished commits, beside one with 1,000',
  needs: [],
  diskGiB: 6,
  async run(bench) {
    const count = bench.size(1_000_000, 5000);
    const long = await makeHistory(bench.fresh('long'), count);
    const short = await makeHistory(bench.fresh('short'), 1000);
    const peaks: number[] = [];
    const values = await interleaved(bench.rounds(5), {
      ours: () => timeStart(bench, long, (bytes) => peaks.push(bytes / 2 ** 20)),
      theirs: () => timeStart(bench, short, () => undefined),
    });
    return [
      {
        work: `open a store with ${count} commits`,
        unit: 's',
        ours: values.ours,
        against: { what: 'with 1,000', values: values.theirs },
        goal: { of: 'ratio', most: 3 },
      },
      {
        work: `memory after opening ${count} commits`,
        unit: 'MiB',
        ours: peaks,
        goal: { of: 'max', most: 300 },
      },
    ];
  },
};

async function timeStart(
  bench: Workspace,
  store: string,
  onPeak: (bytes: number) => void,
): Promise<number> {
  const engine = await bench.engine({ store: pathToFileURL(store).href });
  await engine.stop();
  rmSync(join(engine.home, 'cache'), { recursive: true, force: true });
  const took = await engine.start();
  await engine.pfs('list', 'commit', 'repo0@master', '-n', '10');
  onPeak(engine.peakBytes());
  await bench.close(engine);
  return took;
}
