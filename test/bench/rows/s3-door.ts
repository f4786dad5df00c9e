// Reading through the door for S3, beside reading the same from a real server.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { interleaved } from '../figures.ts';
import { rcloneCopy } from '../others.ts';
import { settle } from '../program.ts';
import type { Row } from '../row.ts';
import { sources } from '../sources.ts';

const MiB = 1024 * 1024;

export const s3DoorRead: Row = {
  name: 's3-door-read',
  about: 'rclone copy of 2 GiB out of a repo by the door for S3, beside the same from a server',
  needs: ['s3', 'rclone'],
  diskGiB: 12,
  async run(bench) {
    const { large, largeBytes } = sources(bench);
    const server = await bench.s3();
    const bucket = await server.createBucket();
    await rcloneCopy(server, large, `s3:${bucket}`);
    const engine = await bench.engine();
    await engine.pfs('create', 'repo', 'data');
    await engine.pfs('put', 'file', 'data@master:/large', '-f', large);
    const record = JSON.parse(readFileSync(join(engine.home, 'engine.json'), 'utf8'));
    const door = {
      endpoint: String(record.s3),
      accessKey: 'pfs',
      secretKey: readFileSync(join(engine.home, 'token'), 'utf8').trim(),
      region: server.region,
    };
    const timed = async (from: typeof door, path: string): Promise<number> => {
      const target = bench.fresh('read');
      await settle();
      const took = await rcloneCopy(from, path, target);
      bench.discard(target);
      return took;
    };
    const values = await interleaved(bench.rounds(3), {
      ours: () => timed(door, 's3:master.data'),
      server: () => timed(server, `s3:${bucket}`),
    });
    await bench.close(engine);
    return [
      {
        work: `S3 door: read ${largeBytes / MiB} MiB`,
        unit: 's',
        ours: values.ours,
        against: { what: 'an S3 server', values: values.server },
        goal: { of: 'ratio', most: 1.3 },
      },
    ];
  },
};
