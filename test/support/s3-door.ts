// The door for S3 on an engine in the test's own process, at a real port of loopback.

import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'minio';
import { CommitQueue } from '../../engine/pfs/commit-queue.ts';
import {
  firstOf,
  S3_ACCESS_KEY,
  type Signer,
  tokenCredentials,
} from '../../engine/server/s3/credentials.ts';
import { type DoorOptions, openS3Door } from '../../engine/server/s3/door.ts';
import { MultipartUploads } from '../../engine/server/s3/multipart.ts';
import { hmac, sha256 } from '../../engine/server/s3/signature.ts';
import { TestEngine } from './engine.ts';

export const SECRET_KEY = 'a-secret-for-tests';

export interface TestDoor {
  readonly engine: TestEngine;
  readonly address: string;
  readonly client: Client;
  /** Who may sign besides the owner, by access keys. */
  readonly signers: Map<string, Signer>;
  /** What the engine's log would say. */
  readonly faults: unknown[];
  /** Ends the door and opens another one on the same folder, as a restart does. */
  reopen(): Promise<TestDoor>;
}

/** Opens a door that ends with the test. */
export async function startS3Door(
  t: Parameters<typeof TestEngine.start>[0],
  options: Pick<DoorOptions, 'onServer' | 'tracer'> = {},
): Promise<TestDoor> {
  const { tracer } = options;
  const engine = await TestEngine.start(t, tracer ? { tracer } : {});
  const folder = mkdtempSync(join(tmpdir(), 'pfs-test-s3-door-'));
  t.after(async () => rmSync(folder, { recursive: true, force: true }));
  return await open(t, { engine, folder, ...options });
}

async function open(
  t: Parameters<typeof TestEngine.start>[0],
  options: { readonly engine: TestEngine; readonly folder: string } & Pick<
    DoorOptions,
    'onServer' | 'tracer'
  >,
): Promise<TestDoor> {
  const { engine, folder, onServer, tracer } = options;
  const { context } = engine.pfs;
  const faults: unknown[] = [];
  const signers = new Map<string, Signer>();
  const door = await openS3Door(
    {
      context,
      queue: new CommitQueue(context),
      clock: context.clock,
      uploads: new MultipartUploads(folder, { clock: context.clock, ids: context.ids }),
      credentials: firstOf(tokenCredentials(SECRET_KEY), { find: (key) => signers.get(key) }),
      onFault: (error) => void faults.push(error),
      tracer,
      ...(onServer ? { onServer } : {}),
    },
    { host: '127.0.0.1', port: 0 },
  );
  t.after(() => door.close());
  const { port } = new URL(door.address);
  const client = new Client({
    endPoint: '127.0.0.1',
    port: Number(port),
    useSSL: false,
    accessKey: S3_ACCESS_KEY,
    secretKey: SECRET_KEY,
    region: 'us-east-1',
    partSize: 5 * 1024 * 1024,
  });
  return {
    engine,
    address: door.address,
    client,
    faults,
    signers,
    reopen: async () => {
      await door.close();
      return await open(t, options);
    },
  };
}

export interface AskOptions {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where it depends on the signature of the request, a function of that. */
  readonly body?: string | Buffer | ((signature: string) => string);
  readonly secret?: string;
  readonly accessKey?: string;
  readonly date?: Date;
}

/** Sends a request that is signed by hand. */
export async function ask(
  door: Pick<TestDoor, 'address'>,
  method: string,
  path: string,
  options: AskOptions = {},
) {
  const { query = {}, body = '', secret = SECRET_KEY, accessKey = S3_ACCESS_KEY } = options;
  const { host, hostname, port } = new URL(door.address);
  const date = (options.date ?? new Date()).toISOString().replace(/[-:]|\.\d+/g, '');
  const day = date.slice(0, 8);
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) =>
      `%${c.charCodeAt(0).toString(16)}`.toUpperCase(),
    );
  const text = Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const headers: Record<string, string> = {
    ...(typeof body === 'function' ? {} : { 'x-amz-content-sha256': sha256(body) }),
    ...options.headers,
    host,
    'x-amz-date': date,
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    method,
    path,
    text,
    names.map((name) => `${name}:${headers[name]}\n`).join(''),
    names.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${day}/us-east-1/s3/aws4_request`;
  const key = [day, 'us-east-1', 's3', 'aws4_request'].reduce(hmac, Buffer.from(`AWS4${secret}`));
  const signed = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n'));
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signed.toString('hex')}`;
  return await new Promise<{
    status: number;
    text: string;
    headers: Readonly<Record<string, unknown>>;
  }>((resolve, reject) => {
    const request = httpRequest(
      { host: hostname, port, method, path: text === '' ? path : `${path}?${text}`, headers },
      (response) => {
        let received = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          received += chunk;
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: received,
            headers: response.headers as Readonly<Record<string, unknown>>,
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(typeof body === 'function' ? body(signed.toString('hex')) : body);
  });
}
