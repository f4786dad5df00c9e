// A real S3 server for tests: one that is named in the environment, or a binary, or a container image.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'minio';

const READY_WITHIN_MS = 60_000;
const PULL_WITHIN_MS = 120_000;
const REGION = 'us-east-1';
const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const run = promisify(execFile);

export interface S3Server {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** Makes a bucket of a fresh name and returns the name. */
  createBucket(): Promise<string>;
  /** Ends the server and removes its data. A server from the environment is left alone. */
  stop(): Promise<void>;
}

interface Launch {
  readonly data: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
}

interface Kind {
  readonly binary: string;
  readonly health: string;
  readonly args: (launch: Launch) => string[];
}

const KINDS: readonly Kind[] = [
  {
    binary: 'minio',
    health: '/minio/health/ready',
    args: ({ data, port }) => ['server', data, '--address', `127.0.0.1:${port}`, '--quiet'],
  },
  {
    binary: 'weed',
    health: '/status',
    args: ({ data, port }) => [
      'server',
      '-s3',
      `-dir=${data}`,
      '-ip=127.0.0.1',
      `-s3.port=${port}`,
      '-volume.max=0',
    ],
  },
  {
    binary: 'versitygw',
    health: '/health',
    args: ({ data, port, accessKey, secretKey }) => [
      ...['--access', accessKey, '--secret', secretKey, '--health', '/health'],
      ...['--port', `127.0.0.1:${port}`, 'posix', data],
    ],
  },
];

/**
 * Starts an S3 server, or says why there is none. Looked for in this order: PFS_TEST_S3_ENDPOINT (with
 * PFS_TEST_S3_ACCESS_KEY and PFS_TEST_S3_SECRET_KEY); a binary on the PATH, then in `.cache/bin`; an image. With
 * PFS_REQUIRE_S3=1 a missing server is an error.
 */
export async function startS3Server(): Promise<S3Server | { skip: string }> {
  const given = process.env.PFS_TEST_S3_ENDPOINT;
  if (given) {
    return connect(given, {
      accessKey: process.env.PFS_TEST_S3_ACCESS_KEY ?? 'minioadmin',
      secretKey: process.env.PFS_TEST_S3_SECRET_KEY ?? 'minioadmin',
      stop: async () => undefined,
    });
  }
  for (const kind of KINDS) {
    const path = findBinary(kind.binary);
    if (path !== undefined) {
      return startBinary(kind, path);
    }
  }
  const started = await startImage();
  if ('skip' in started && process.env.PFS_REQUIRE_S3 === '1') {
    throw new Error(`PFS_REQUIRE_S3 is 1, but ${started.skip}`);
  }
  return started;
}

function findBinary(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), join(REPOSITORY, '.cache', 'bin')];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function startBinary(kind: Kind, path: string): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'pfs-s3-'));
  const data = join(folder, 'data');
  await mkdir(data);
  const launch = { data, port: await freePort(), ...newCredentials() };
  const child = spawn(path, kind.args(launch), {
    cwd: folder,
    env: {
      ...process.env,
      HOME: folder,
      MINIO_ROOT_USER: launch.accessKey,
      MINIO_ROOT_PASSWORD: launch.secretKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (text: Buffer) => {
    output = (output + text.toString()).slice(-4000);
  });
  child.stderr.on('data', (text: Buffer) => {
    output = (output + text.toString()).slice(-4000);
  });
  // A test process that dies must not leave a server behind.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    await end(child);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const endpoint = `http://127.0.0.1:${launch.port}`;
  try {
    await ready(endpoint + kind.health, () => child.exitCode !== null || child.signalCode !== null);
  } catch (error) {
    await stop();
    throw new Error(`Cannot start ${path}: ${output}`, { cause: error });
  }
  return connect(endpoint, { ...launch, stop });
}

async function startImage(): Promise<S3Server | { skip: string }> {
  const image = 'minio/minio';
  const reason =
    'no S3 server was found: set PFS_TEST_S3_ENDPOINT, put minio, weed or versitygw on the PATH or into .cache/bin, or let Docker have the image minio/minio';
  try {
    await run('docker', ['image', 'inspect', image]).catch(() =>
      run('docker', ['pull', '--quiet', image], { timeout: PULL_WITHIN_MS }),
    );
  } catch (error) {
    return { skip: `${reason} (${error instanceof Error ? error.message.trim() : error})` };
  }
  const credentials = newCredentials();
  const port = await freePort();
  const { stdout } = await run('docker', [
    ...['run', '--detach', '--rm', '--publish', `127.0.0.1:${port}:9000`],
    ...['--env', `MINIO_ROOT_USER=${credentials.accessKey}`],
    ...['--env', `MINIO_ROOT_PASSWORD=${credentials.secretKey}`],
    ...[image, 'server', '/data'],
  ]);
  const container = stdout.trim();
  const stop = async () => {
    await run('docker', ['rm', '--force', '--volumes', container]);
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await ready(`${endpoint}/minio/health/ready`, () => false);
  } catch (error) {
    await stop();
    throw error;
  }
  return connect(endpoint, { ...credentials, stop });
}

function connect(
  endpoint: string,
  options: { accessKey: string; secretKey: string; stop: () => Promise<void> },
): S3Server {
  const { accessKey, secretKey, stop } = options;
  const url = new URL(endpoint);
  const client = new Client({
    endPoint: url.hostname,
    port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
    useSSL: url.protocol === 'https:',
    accessKey,
    secretKey,
    region: REGION,
  });
  const createBucket = async () => {
    const bucket = `pfs-test-${randomBytes(8).toString('hex')}`;
    await client.makeBucket(bucket, REGION);
    return bucket;
  };
  return { endpoint, accessKey, secretKey, region: REGION, createBucket, stop };
}

function newCredentials(): { accessKey: string; secretKey: string } {
  return {
    accessKey: `test${randomBytes(6).toString('hex')}`,
    secretKey: randomBytes(16).toString('hex'),
  };
}

/** Waits until the server answers at all: what is not there yet refuses the connection or says 5xx. */
async function ready(url: string, isDead: () => boolean): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const status = await fetch(url, { signal: AbortSignal.timeout(5000) }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      () => 0,
    );
    if (status > 0 && status < 500) {
      return;
    }
    if (isDead() || performance.now() > deadline) {
      throw new Error(`Cannot reach ${url}: status ${status}`);
    }
    await delay(50);
  }
}

/** Returns a port of loopback that nobody listens at just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
