// The body of a request: whole, or in signed chunks (`aws-chunked`); checked against whatever digests came with it.

import type { IncomingHttpHeaders } from 'node:http';
import { type Check, checkAll, checksumChecks, signedChecks, watched } from './body-checks.ts';
import { S3Error } from './s3-error.ts';
import { hmac, type Signature, sha256 } from './signature.ts';

const EMPTY_SHA256 = sha256('');
const MAX_LINE_BYTES = 8 * 1024;
/** A chunk that is signed is held until its signature is checked. */
const MAX_CHUNK_BYTES = 16 * 1024 * 1024;
const CRLF = Buffer.from('\r\n');

/** How the pieces of a body may be signed. */
const STREAMING = [
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
];

interface BodyOptions {
  readonly headers: IncomingHttpHeaders;
  readonly signature: Signature;
  /** False where the checksums of the headers are those of something else. */
  readonly hasChecksums: boolean;
}

/** Yields the bytes of a body; rejects with the S3 error, before the last of them are used, where they are not what was signed. */
export async function* signedBody(
  source: AsyncIterable<Uint8Array>,
  { headers, signature, hasChecksums }: BodyOptions,
): AsyncGenerator<Buffer> {
  const { payload } = signature;
  const checks: Check[] = [
    ...signedChecks(headers, payload),
    ...(hasChecksums ? checksumChecks(headers) : []),
  ];
  const isChunked = payload.startsWith('STREAMING-');
  if (isChunked && !STREAMING.includes(payload)) {
    throw new S3Error('NotImplemented', `A body that is signed as ${payload} is not understood`);
  }
  const trailers = new Map<string, string>();
  const bytes = isChunked ? chunks(source, signature, trailers) : plain(source);
  let size = 0;
  for await (const piece of watched(bytes, checks)) {
    size += piece.length;
    yield piece;
  }
  const expected = decodedLength(headers);
  if (expected !== undefined && size !== expected) {
    throw new S3Error('IncompleteBody', `${size} bytes came where ${expected} were announced`);
  }
  checkAll(checks, trailers);
}

/** Returns how many bytes a body has once it is decoded; undefined where that is not said. */
export function decodedLength(headers: IncomingHttpHeaders): number | undefined {
  const text = headers['x-amz-decoded-content-length'] ?? headers['content-length'];
  return text === undefined || !/^\d+$/.test(String(text)) ? undefined : Number(text);
}

async function* plain(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const bytes of source) {
    yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

/** Takes signed chunks apart: `<hex size>;chunk-signature=<hex>`, a line break, the bytes, a line break; the last is empty. */
async function* chunks(
  source: AsyncIterable<Uint8Array>,
  signature: Signature,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  const reader = new Reader(source);
  const isSigned = signature.payload.includes('AWS4-HMAC-SHA256');
  let previous = signature.value;
  const check = (kind: string, hashes: string, given: string) => {
    const text = [`AWS4-HMAC-SHA256-${kind}`, signature.date, signature.scope, previous, hashes];
    previous = hmac(signature.key, text.join('\n')).toString('hex');
    if (isSigned && given !== previous) {
      throw new S3Error('SignatureDoesNotMatch', 'The signature of a part of the body is wrong');
    }
  };
  for (;;) {
    const line = await reader.line();
    const [, hex = '', given = ''] =
      /^([0-9a-f]+)(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(line) ?? [];
    const size = Number.parseInt(hex, 16);
    if (hex === '' || (isSigned && size > MAX_CHUNK_BYTES)) {
      throw new S3Error('InvalidRequest', 'The body is not cut into chunks as it says');
    }
    if (size === 0) {
      check('PAYLOAD', `${EMPTY_SHA256}\n${EMPTY_SHA256}`, given);
      break;
    }
    if (isSigned) {
      const bytes = await reader.take(size);
      check('PAYLOAD', `${EMPTY_SHA256}\n${sha256(bytes)}`, given);
      yield bytes;
    } else {
      yield* reader.pass(size);
    }
    if ((await reader.line()) !== '') {
      throw new S3Error('InvalidRequest', 'A chunk of the body is longer than it says');
    }
  }
  await readTrailers(reader, { trailers, check, isSigned });
}

async function readTrailers(
  reader: Reader,
  options: {
    readonly trailers: Map<string, string>;
    readonly check: (kind: string, hashes: string, given: string) => void;
    readonly isSigned: boolean;
  },
): Promise<void> {
  let signed = '';
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    if (name === 'x-amz-trailer-signature') {
      options.check('TRAILER', sha256(signed), value);
      signed = '';
    } else {
      signed += `${name}:${value}\n`;
      options.trailers.set(name, value);
    }
  }
  if (signed !== '' && options.isSigned) {
    throw new S3Error('SignatureDoesNotMatch', 'What follows the body is not signed');
  }
}

/** Reads lines and counted bytes off a stream. */
class Reader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Returns a line without its end; '' also at the end of the stream. */
  async line(): Promise<string> {
    let at = this.#rest.indexOf(CRLF);
    while (at < 0) {
      if (this.#rest.length > MAX_LINE_BYTES) {
        throw new S3Error('InvalidRequest', 'A line of the body is too long');
      }
      if (!(await this.#more())) {
        if (this.#rest.length > 0) {
          throw new S3Error('IncompleteBody', 'The body ends in the middle of a line');
        }
        return '';
      }
      at = this.#rest.indexOf(CRLF);
    }
    const line = this.#rest.toString('latin1', 0, at);
    this.#rest = this.#rest.subarray(at + CRLF.length);
    return line;
  }

  async take(size: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.pass(size)) {
      parts.push(part);
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  async *pass(size: number): AsyncGenerator<Buffer> {
    for (let left = size; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#more())) {
        throw new S3Error('IncompleteBody', 'The body ends in the middle of a chunk');
      }
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done) {
      return false;
    }
    const { buffer, byteOffset, length } = next.value;
    const bytes = Buffer.from(buffer, byteOffset, length);
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    return true;
  }
}
