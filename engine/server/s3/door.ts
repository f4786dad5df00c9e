// The door for S3: a server of its own port, whose buckets are branches and whose objects are their files.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import type { Tracer } from '../../base/tracer.ts';
import type { Certificate } from '../tls-files.ts';
import { traceS3Request } from '../trace-requests.ts';
import { createBucket, deleteBucket, inspectBucket, listAll } from './bucket-operations.ts';
import { copyObject } from './copy-object.ts';
import type { Credentials } from './credentials.ts';
import { deleteObject, deleteObjects } from './delete-object.ts';
import { getObject } from './get-object.ts';
import { putObject } from './put-object.ts';
import { type DoorParts, S3Request } from './request.ts';
import { errorDocument, S3Error, toS3Error } from './s3-error.ts';
import { checkSignature } from './signature.ts';
import {
  abortUpload,
  beginUpload,
  completeUpload,
  listParts,
  putPart,
} from './upload-operations.ts';

/** When the engine ends, requests under way have this long to do so too. */
const LAST_WORDS_MS = 2000;

export interface DoorOptions extends DoorParts {
  readonly clock: Clock;
  readonly credentials: Credentials;
  /** With which it speaks TLS; undefined: it does not. */
  readonly certificate?: Certificate | undefined;
  /** Takes a span of every request; undefined: nobody does. */
  readonly tracer?: Tracer | undefined;
  /** Called with the server before it listens. */
  readonly onServer?: (server: Server) => void;
}

/** Makes the server; it does not listen yet. */
export function makeS3Door(options: DoorOptions): Server {
  const { certificate, tracer } = options;
  const limits = { requestTimeout: 0, maxHeaderSize: 64 * 1024 };
  const serve = (message: IncomingMessage, response: ServerResponse) => {
    const work = () => void answer(options, message, response);
    if (tracer) {
      traceS3Request(tracer, { message, response }, work);
    } else {
      work();
    }
  };

  const server = certificate
    ? createTlsServer({ ...limits, ...certificate }, serve)
    : createServer(limits, serve);
  // What a client sends ahead of a refusal must not break the connection before the refusal is read.
  server.on('checkContinue', (message, response) => {
    response.writeContinue();
    serve(message, response);
  });
  options.onServer?.(server);
  return server;
}

/** Starts the server; returns where it listens, and how to end it once requests under way have ended, or have had their time. */
export async function openS3Door(
  options: DoorOptions,
  listen: { readonly host: string; readonly port: number },
): Promise<{ readonly address: string; readonly server: Server; close(): Promise<void> }> {
  const server = makeS3Door(options);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return {
    address: `${options.certificate ? 'https' : 'http'}://${host}:${port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS).unref();
      }),
  };
}

async function answer(
  options: DoorOptions,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const id = options.context.ids.next();
  response.setHeader('x-amz-request-id', id);
  response.setHeader('server', 'pfs');
  const [path = '/', text = ''] = (message.url ?? '/').split('?');
  try {
    const query = parseQuery(text);
    const signed = { method: message.method ?? 'GET', path, query, headers: message.headers };
    const { credentials, clock } = options;
    const signature = checkSignature(signed, { credentials, now: clock.now() });
    const decoded = decodeURIComponent(path);
    await route(
      new S3Request({ parts: options, message, response, signature, path: decoded, query }),
    );
  } catch (error) {
    refuse(options, { error, message, response, path, id });
  }
}

function refuse(
  options: DoorOptions,
  failed: {
    readonly error: unknown;
    readonly message: IncomingMessage;
    readonly response: ServerResponse;
    readonly path: string;
    readonly id: string;
  },
): void {
  const { error, message, response, path, id } = failed;
  const known =
    error instanceof URIError
      ? new S3Error('InvalidArgument', 'The address is not encoded as it must be')
      : toS3Error(error);
  if (known.status >= 500 && known.code !== 'NotImplemented') {
    options.onFault(error);
  }
  if (response.headersSent || response.destroyed) {
    // Half an object must not look like a whole one.
    response.destroy();
    return;
  }
  const document = message.method === 'HEAD' ? '' : errorDocument(known, path, id);
  response.writeHead(known.status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(document),
    // The rest of the body, if any, is not read.
    ...(message.complete ? {} : { connection: 'close' }),
  });
  response.end(document);
}

function parseQuery(text: string): [string, string][] {
  return text
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=');
      const decode = (piece: string) => decodeURIComponent(piece.replaceAll('+', ' '));
      return at < 0 ? [decode(part), ''] : [decode(part.slice(0, at)), decode(part.slice(at + 1))];
    });
}

async function route(request: S3Request): Promise<void> {
  const { method, bucket, key, query } = request;
  if (bucket === '') {
    if (method !== 'GET') {
      throw notAllowed(method);
    }
    listAll(request);
  } else if (key === '') {
    await routeBucket(request);
  } else if (method === 'GET' || method === 'HEAD') {
    await (query.has('uploadId') ? listParts(request) : getObject(request));
  } else if (method === 'PUT') {
    await routePut(request);
  } else if (method === 'DELETE') {
    await (query.has('uploadId') ? abortUpload(request) : deleteObject(request));
  } else if (method === 'POST' && query.has('uploads')) {
    await beginUpload(request);
  } else if (method === 'POST' && query.has('uploadId')) {
    await completeUpload(request);
  } else {
    throw notAllowed(method);
  }
}

async function routeBucket(request: S3Request): Promise<void> {
  const { method, query } = request;
  if (method === 'GET' || method === 'HEAD') {
    await inspectBucket(request);
  } else if (method === 'PUT' && query.size === 0) {
    await createBucket(request);
  } else if (method === 'DELETE' && query.size === 0) {
    await deleteBucket(request);
  } else if (method === 'POST' && query.has('delete')) {
    await deleteObjects(request);
  } else {
    throw notAllowed(method);
  }
}

async function routePut(request: S3Request): Promise<void> {
  const { query } = request;
  if (query.has('uploadId')) {
    await putPart(request);
  } else if (query.has('tagging') || query.has('acl') || query.has('retention')) {
    throw new S3Error('NotImplemented', 'Objects have no such settings here');
  } else if (request.header('x-amz-copy-source') !== undefined) {
    await copyObject(request);
  } else {
    await putObject(request);
  }
}

function notAllowed(method: string): S3Error {
  return new S3Error('MethodNotAllowed', `${method} is not possible here`);
}
