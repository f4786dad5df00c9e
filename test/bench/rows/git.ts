// A repo as its Git clients get it.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startGitHttpBackend } from '../../support/git-http-backend.ts';
import { interleaved } from '../figures.ts';
import { seconds, settle } from '../program.ts';
import type { Row } from '../row.ts';
import { sources } from '../sources.ts';

export const gitClone: Row = {
  name: 'git-clone',
  about: 'git clone of 100,000 files of 4 KiB, beside the same from git http-backend',
  needs: ['git'],
  diskGiB: 5,
  async run(bench) {
    const { small } = sources(bench);
    const engine = await bench.engine();
    await engine.pfs('create', 'repo', 'data');
    await engine.pfs('put', 'file', 'data@master:/', '-r', '-f', small);
    const token = readFileSync(join(engine.home, 'token'), 'utf8').trim();
    const ours = `${engine.address.replace('//', `//x:${token}@`)}/git/default/data.git`;
    const root = bench.fresh('git');
    execFileSync('git', ['clone', '--quiet', '--mirror', ours, join(root, 'data.git')]);
    const backend = await startGitHttpBackend({ root });
    const clone = async (url: string) => {
      const target = bench.fresh('clone');
      await settle();
      const took = await seconds('git', ['clone', '--quiet', url, target]);
      bench.remove(target);
      return took;
    };
    const values = await interleaved(bench.rounds(3), {
      ours: () => clone(ours),
      backend: () => clone(`${backend.address}/data.git`),
    });
    await backend.close();
    await bench.close(engine);
    bench.remove(root);
    return [
      {
        work: `git clone of ${bench.size(100_000, 2000)} × 4 KiB`,
        unit: 's',
        ours: values.ours,
        against: { what: 'git http-backend', values: values.backend },
        goal: { of: 'ratio', most: 1.5 },
      },
    ];
  },
};
