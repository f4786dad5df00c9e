// What it costs to begin: a command as a whole process.

import { interleaved } from '../figures.ts';
import { seconds } from '../program.ts';
import type { Row } from '../row.ts';

export const listRepo: Row = {
  name: 'list-repo',
  about: 'pfs list-repo as a whole process, beside node -e 0',
  needs: [],
  diskGiB: 1,
  async run(bench) {
    const engine = await bench.engine();
    await engine.pfs('create', 'repo', 'data');
    const values = await interleaved(bench.size(40, 3), {
      ours: async () => 1000 * (await engine.time(['list-repo'])),
      theirs: async () => 1000 * (await seconds(process.execPath, ['-e', '0'])),
    });
    await bench.close(engine);
    return [
      {
        work: 'pfs list-repo',
        unit: 'ms',
        ours: values.ours,
        against: { what: 'node -e 0', values: values.theirs },
        goal: { of: 'ratio', most: 2.5 },
      },
    ];
  },
};
