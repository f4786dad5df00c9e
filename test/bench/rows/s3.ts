// The same work on an S3 store: a real server on this machine, beside what copies to it directly.

import type { BenchEngine } from '../bench-engine.ts';
import { countRequests } from '../counting-proxy.ts';
import { interleaved } from '../figures.ts';
import { awsEnvironment, Restic, rcloneCopy } from '../others.ts';
import { settle } from '../program.ts';
import type { Line, Row } from '../row.ts';
import { sources } from '../sources.ts';
import type { Workspace } from '../workspace.ts';

const MiB = 1024 * 1024;
const FILES_OF_A_REQUEST = 1000;
const BYTES_OF_A_REQUEST = 16 * MiB;

type Source = 'small' | 'large';

/** Starts an engine on a fresh bucket, with one repo. */
async function engineOnS3(bench: Workspace, endpoint?: string): Promise<BenchEngine> {
  const server = await bench.s3();
  const bucket = await server.createBucket();
  const engine = await bench.engine({
    store: `s3://${bucket}/store?endpoint=${endpoint ?? server.endpoint}&region=${server.region}`,
    env: awsEnvironment(server),
  });
  await engine.pfs('create', 'repo', 'data');
  return engine;
}

function putArguments(bench: Workspace, source: Source): string[] {
  return source === 'small'
    ? ['put', 'file', 'data@master:/', '-r', '-f', sources(bench).small]
    : ['put', 'file', 'data@master:/large', '-f', sources(bench).large];
}

function named(bench: Workspace, source: Source): string {
  const { smallCount, largeBytes } = sources(bench);
  return source === 'small' ? `${smallCount} × 4 KiB` : `${largeBytes / MiB} MiB`;
}

function ingest(source: Source, goal: number): Row {
  return {
    name: `s3-ingest-${source}`,
    about: `put-file of ${source === 'small' ? '100,000 × 4 KiB' : '2 GiB'} to S3, beside rclone copy and restic backup`,
    needs: ['s3', 'restic', 'rclone'],
    diskGiB: 12,
    async run(bench) {
      const server = await bench.s3();
      const from = sources(bench)[source];
      const values = await interleaved(bench.rounds(3), {
        ours: async () => {
          const engine = await engineOnS3(bench);
          await settle();
          const took = await engine.time(putArguments(bench, source));
          await bench.close(engine);
          return took;
        },
        rclone: async () => {
          const bucket = await server.createBucket();
          await settle();
          return await rcloneCopy(server, from, `s3:${bucket}`);
        },
        restic: async () => {
          const bucket = await server.createBucket();
          const restic = await Restic.init(`s3:${server.endpoint}/${bucket}`, server);
          await settle();
          return await restic.time('backup', from);
        },
      });
      return beside(`S3: put ${named(bench, source)}`, values, goal);
    },
  };
}

function restore(source: Source): Row {
  return {
    name: `s3-restore-${source}`,
    about: `get-file of ${source === 'small' ? '100,000 × 4 KiB' : '2 GiB'} from S3, beside rclone copy and restic restore`,
    needs: ['s3', 'restic', 'rclone'],
    diskGiB: 12,
    async run(bench) {
      const server = await bench.s3();
      const from = sources(bench)[source];
      const engine = await engineOnS3(bench);
      await engine.time(putArguments(bench, source));
      const copies = await server.createBucket();
      await rcloneCopy(server, from, `s3:${copies}`);
      const backups = await server.createBucket();
      const restic = await Restic.init(`s3:${server.endpoint}/${backups}`, server);
      await restic.time('backup', from);
      const timed = async (work: (target: string) => Promise<number>): Promise<number> => {
        const target = bench.fresh('got');
        await settle();
        const took = await work(target);
        bench.discard(target);
        return took;
      };
      const got = source === 'small' ? ['data@master:/', '-r'] : ['data@master:/large'];
      const values = await interleaved(bench.rounds(3), {
        ours: () => timed((target) => engine.time(['get', 'file', ...got, '-o', target])),
        rclone: () => timed((target) => rcloneCopy(server, `s3:${copies}`, target)),
        restic: () => timed((target) => restic.time('restore', 'latest', '--target', target)),
      });
      await bench.close(engine);
      return beside(`S3: get ${named(bench, source)}`, values);
    },
  };
}

function beside(
  work: string,
  values: Readonly<Record<'ours' | 'rclone' | 'restic', number[]>>,
  goal?: number,
): Line[] {
  const { ours, rclone, restic } = values;
  return [
    {
      ...{ work, unit: 's', ours, against: { what: 'rclone copy', values: rclone } },
      ...(goal === undefined ? {} : { goal: { of: 'ratio', most: goal } }),
    },
    { work, unit: 's', ours, against: { what: 'restic', values: restic } },
  ];
}

export const s3IngestSmall = ingest('small', 0.3);
export const s3IngestLarge = ingest('large', 1.2);
export const s3RestoreSmall = restore('small');
export const s3RestoreLarge = restore('large');

export const s3Requests: Row = {
  name: 's3-requests',
  about: 'requests to S3 for putting 100,000 × 4 KiB, and 2 GiB',
  needs: ['s3'],
  diskGiB: 8,
  async run(bench) {
    const server = await bench.s3();
    const { smallCount, largeBytes } = sources(bench);
    const lines: Line[] = [];
    for (const source of ['small', 'large'] as const) {
      const proxy = await countRequests(server.endpoint);
      try {
        const engine = await engineOnS3(bench, proxy.endpoint);
        const before = proxy.requests();
        await engine.time(putArguments(bench, source));
        const requests = proxy.requests() - before;
        await bench.close(engine);
        const most =
          source === 'small' ? smallCount / FILES_OF_A_REQUEST : largeBytes / BYTES_OF_A_REQUEST;
        lines.push({
          work: `S3: requests to put ${named(bench, source)}`,
          unit: 'requests',
          ours: [requests],
          goal: { of: 'max', most },
        });
      } finally {
        await proxy.close();
      }
    }
    return lines;
  },
};
