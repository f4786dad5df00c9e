// Many small files, put and durable.

import { interleaved } from '../figures.ts';
import { copyAndSync, Restic } from '../others.ts';
import { settle } from '../program.ts';
import type { Row } from '../row.ts';
import { sources } from '../sources.ts';

export const ingestSmall: Row = {
  name: 'ingest-small',
  about: 'put-file -r of 100,000 files of 4 KiB, beside restic backup and cp -r + sync',
  needs: ['restic'],
  diskGiB: 4,
  async run(bench) {
    const { small } = sources(bench);
    const values = await interleaved(bench.rounds(5), {
      ours: async () => {
        const engine = await bench.engine();
        await engine.pfs('create', 'repo', 'data');
        await settle();
        const took = await engine.time(['put', 'file', 'data@master:/', '-r', '-f', small]);
        await bench.close(engine);
        return took;
      },
      restic: async () => {
        const restic = await Restic.init(bench.fresh('restic'));
        await settle();
        const took = await restic.time('backup', small);
        bench.remove(restic.repository);
        return took;
      },
      copy: () => copyAndSync(bench, small),
    });
    const work = `put ${bench.size(100_000, 2000)} × 4 KiB`;
    return [
      {
        work,
        unit: 's',
        ours: values.ours,
        against: { what: 'restic backup', values: values.restic },
        goal: { of: 'ratio', most: 0.4 },
      },
      {
        work,
        unit: 's',
        ours: values.ours,
        against: { what: 'cp -r + sync', values: values.copy },
        goal: { of: 'ratio', most: 0.5 },
      },
    ];
  },
};

export const restoreSmall: Row = {
  name: 'restore-small',
  about: 'get-file -r of 100,000 files of 4 KiB, beside restic restore',
  needs: ['restic'],
  diskGiB: 5,
  async run(bench) {
    const { small } = sources(bench);
    const engine = await bench.engine();
    await engine.pfs('create', 'repo', 'data');
    await engine.pfs('put', 'file', 'data@master:/', '-r', '-f', small);
    const restic = await Restic.init(bench.fresh('restic'));
    await restic.time('backup', small);
    const timed = async (work: (target: string) => Promise<number>): Promise<number> => {
      const target = bench.fresh('restored');
      await settle();
      const took = await work(target);
      bench.discard(target);
      return took;
    };
    const values = await interleaved(bench.rounds(5), {
      ours: () =>
        timed((target) => engine.time(['get', 'file', 'data@master:/', '-r', '-o', target])),
      restic: () => timed((target) => restic.time('restore', 'latest', '--target', target)),
    });
    await bench.close(engine);
    bench.remove(restic.repository);
    return [
      {
        work: `get ${bench.size(100_000, 2000)} × 4 KiB`,
        unit: 's',
        ours: values.ours,
        against: { what: 'restic restore', values: values.restic },
        goal: { of: 'ratio', most: 0.8 },
      },
    ];
  },
};
