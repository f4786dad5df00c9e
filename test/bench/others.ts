// What we are compared with.

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { S3Server } from '../support/s3-server.ts';
import { seconds, settle } from './program.ts';
import type { Workspace } from './workspace.ts';

/** A repository of restic, on a disk or on an S3 server. */
export class Restic {
  readonly repository: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(repository: string, env: Readonly<Record<string, string>>) {
    this.repository = repository;
    this.#env = env;
  }

  static async init(repository: string, server?: S3Server): Promise<Restic> {
    const restic = new Restic(repository, {
      RESTIC_PASSWORD: 'bench',
      // Its cache would be in the home of the person who measures.
      RESTIC_CACHE_DIR: join(process.env.TMPDIR ?? '/tmp', 'restic-cache'),
      ...(server ? awsEnvironment(server) : {}),
    });
    await restic.time('init');
    return restic;
  }

  /** Runs it; returns the seconds it took. */
  time(command: string, ...args: readonly string[]): Promise<number> {
    return seconds('restic', [command, '--quiet', '--repo', this.repository, ...args], {
      env: this.#env,
    });
  }
}

/** Runs `rclone copy --transfers 32` between paths, of which those that begin with `s3:` are on the server. */
export function rcloneCopy(
  server: Pick<S3Server, 'endpoint' | 'accessKey' | 'secretKey' | 'region'>,
  from: string,
  to: string,
): Promise<number> {
  const env = {
    RCLONE_CONFIG: '/dev/null',
    // It does not understand the variable, and no certificate is needed here.
    AWS_CA_BUNDLE: undefined,
    RCLONE_CONFIG_S3_TYPE: 's3',
    RCLONE_CONFIG_S3_PROVIDER: 'Minio',
    RCLONE_CONFIG_S3_ENDPOINT: server.endpoint,
    RCLONE_CONFIG_S3_ACCESS_KEY_ID: server.accessKey,
    RCLONE_CONFIG_S3_SECRET_ACCESS_KEY: server.secretKey,
    RCLONE_CONFIG_S3_REGION: server.region,
  };
  return seconds('rclone', ['copy', '--transfers', '32', '--quiet', from, to], { env });
}

/** The environment in which the programs of S3 find their keys. */
export function awsEnvironment(server: S3Server): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: server.accessKey,
    AWS_SECRET_ACCESS_KEY: server.secretKey,
    AWS_DEFAULT_REGION: server.region,
  };
}

/** Copies a file or folder and makes the copy durable; returns the seconds, and removes the copy. */
export async function copyAndSync(bench: Workspace, source: string): Promise<number> {
  const copy = bench.fresh('copy');
  await settle();
  const took = await seconds('sh', ['-c', 'cp -r "$1" "$2" && sync', 'sh', source, copy]);
  if (statSync(copy).isDirectory()) {
    bench.discard(copy);
  } else {
    bench.remove(copy);
  }
  return took;
}

/** Writes one file so that it survives a power cut, its name too; returns the milliseconds. */
export function durableWrite(path: string, data: Buffer): number {
  mkdirSync(dirname(path), { recursive: true });
  const started = performance.now();
  const file = openSync(`${path}.new`, 'wx');
  writeSync(file, data);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.new`, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
  return performance.now() - started;
}
