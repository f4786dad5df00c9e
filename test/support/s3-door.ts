// The door for S3 on an engine in the test's own process, at a real port of loopback.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'minio';
import { CommitQueue } from '../../engine/pfs/commit-queue.ts';
import { openS3Door } from '../../engine/server/s3/door.ts';
import { MultipartUploads } from '../../engine/server/s3/multipart.ts';
import { TestEngine } from './engine.ts';

export const ACCESS_KEY = 'pfs';
export const SECRET_KEY = 'a-secret-for-tests';

export interface TestDoor {
  readonly engine: TestEngine;
  readonly address: string;
  readonly client: Client;
  /** What the engine's log would say. */
  readonly faults: unknown[];
  /** Ends the door and opens another one on the same folder, as a restart does. */
  reopen(): Promise<TestDoor>;
}

/** Opens a door that ends with the test. */
export async function startS3Door(t: Parameters<typeof TestEngine.start>[0]): Promise<TestDoor> {
  const engine = await TestEngine.start(t);
  const folder = mkdtempSync(join(tmpdir(), 'pfs-test-s3-door-'));
  t.after(async () => rmSync(folder, { recursive: true, force: true }));
  return await open(t, engine, folder);
}

async function open(
  t: Parameters<typeof TestEngine.start>[0],
  engine: TestEngine,
  folder: string,
): Promise<TestDoor> {
  const { context } = engine.pfs;
  const faults: unknown[] = [];
  const door = await openS3Door(
    {
      context,
      queue: new CommitQueue(context),
      clock: context.clock,
      uploads: new MultipartUploads(folder, { clock: context.clock, ids: context.ids }),
      secretOf: (accessKey) => (accessKey === ACCESS_KEY ? SECRET_KEY : undefined),
      onFault: (error) => void faults.push(error),
    },
    { host: '127.0.0.1', port: 0 },
  );
  t.after(() => door.close());
  const { port } = new URL(door.address);
  const client = new Client({
    endPoint: '127.0.0.1',
    port: Number(port),
    useSSL: false,
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    region: 'us-east-1',
    partSize: 5 * 1024 * 1024,
  });
  return {
    engine,
    address: door.address,
    client,
    faults,
    reopen: async () => {
      await door.close();
      return await open(t, engine, folder);
    },
  };
}
