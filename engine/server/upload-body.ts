// What the body of an upload brings: file frames, or the bytes of one file; gzipped or not.

import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { EngineError, errorText } from '../base/errors.ts';
import type { RecordFormat } from '../pfs/record-scanner.ts';
import type { StagingOptions, SymlinkRule } from '../pfs/staging.ts';
import type { FilePart } from '../pfs/upload.ts';
import { decodeFrames } from './frames.ts';
import { flag, query } from './http.ts';
import { BYTES_TYPE, FRAMES_TYPE } from './wire.ts';

/** Returns the files that a request sends; rejects with `invalid` what is sent in another way. */
export function uploadParts(request: FastifyRequest): AsyncIterable<readonly FilePart[]> {
  const type = request.headers['content-type']?.split(';')[0]?.trim();
  if (type === FRAMES_TYPE) {
    return decodeFrames(bodyBytes(request));
  }
  const path = query(request, 'path');
  if (type === BYTES_TYPE && path !== undefined) {
    return oneFile(bodyBytes(request), path);
  }
  throw new EngineError(
    'invalid',
    `Cannot read the files sent: send them as ${FRAMES_TYPE}, or one as ${BYTES_TYPE} with its path`,
  );
}

/** Returns how the request wants its files stored. */
export function stagingOf(request: FastifyRequest): StagingOptions {
  const [split, datums, bytes, header] = ['split', 'datums', 'bytes', 'header-records'].map(
    (name) => query(request, name),
  );
  const symlinks = query(request, 'symlinks') ?? 'follow';
  if (!['follow', 'keep', 'refuse'].includes(symlinks)) {
    throw new EngineError(
      'invalid',
      `Cannot read the request: symlinks "${symlinks}" is none of follow, keep and refuse`,
    );
  }
  if (split === undefined && (datums ?? bytes ?? header) !== undefined) {
    throw new EngineError(
      'invalid',
      'Cannot read the request: what pieces hold is only to be said with split',
    );
  }
  return {
    append: flag(request, 'append'),
    untar: flag(request, 'untar'),
    symlinks: symlinks as SymlinkRule,
    ...(split === undefined
      ? {}
      : {
          split: {
            format: split as RecordFormat,
            ...(datums === undefined ? {} : { datums: Number(datums) }),
            ...(bytes === undefined ? {} : { bytes: Number(bytes) }),
            ...(header === undefined ? {} : { headerRecords: Number(header) }),
          },
        }),
  };
}

/** Returns what a request brings, unzipped. */
export function bodyBytes(request: FastifyRequest): AsyncIterable<Uint8Array> {
  const body = request.body as NodeJS.ReadableStream & AsyncIterable<Uint8Array>;
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') {
    return body;
  }
  if (encoding !== 'gzip') {
    throw new EngineError(
      'invalid',
      `Cannot read the files sent: they are encoded as "${encoding}"; send them as they are, or as gzip`,
    );
  }
  return unzipped(body);
}

async function* unzipped(body: NodeJS.ReadableStream): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  // Its error is that of the iteration.
  pipeline(body, gunzip, () => undefined);
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    throw (error as { code?: string }).code?.startsWith('Z_')
      ? new EngineError(
          'invalid',
          `Cannot read the files sent: they are no whole gzip (${errorText(error)}); nothing was stored`,
          { cause: error },
        )
      : error;
  }
}

async function* oneFile(
  body: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<readonly FilePart[]> {
  const base = { path, executable: false };
  let first = true;
  for await (const chunk of body) {
    const data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    yield [{ ...base, data, first, last: false }];
    first = false;
  }
  yield [{ ...base, data: Buffer.alloc(0), first, last: true }];
}
