// One request as the operations of the door see it.

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { CommitQueue } from '../../pfs/commit-queue.ts';
import type { PfsContext, Request } from '../../pfs/context.ts';
import type { Signer } from './credentials.ts';
import type { MultipartUploads } from './multipart.ts';
import { S3Error } from './s3-error.ts';
import type { Signature } from './signature.ts';
import { signedBody } from './signed-body.ts';
import { type XmlValue, xml } from './xml.ts';

/** Documents that clients send are small: lists of a thousand keys. */
const MAX_DOCUMENT_BYTES = 2 * 1024 * 1024;

/** What operations work with. */
export interface DoorParts {
  readonly context: PfsContext;
  readonly queue: CommitQueue;
  readonly uploads: MultipartUploads;
  readonly onFault: (error: unknown) => void;
}

export class S3Request {
  readonly parts: DoorParts;
  readonly method: string;
  readonly bucket: string;
  /** '' for a request to the bucket itself. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
  readonly response: ServerResponse;
  readonly #message: IncomingMessage;
  readonly #signature: Signature;

  constructor(options: {
    readonly parts: DoorParts;
    readonly message: IncomingMessage;
    readonly response: ServerResponse;
    readonly signature: Signature;
    readonly path: string;
    readonly query: readonly (readonly [string, string])[];
  }) {
    const { parts, message, response, signature, path, query } = options;
    const [, bucket = '', ...key] = path.split('/');
    this.parts = parts;
    this.method = message.method ?? 'GET';
    this.bucket = bucket;
    this.key = key.join('/');
    this.query = new Map(query);
    this.headers = message.headers;
    this.response = response;
    this.#message = message;
    this.#signature = signature;
  }

  get signer(): Signer {
    return this.#signature.signer;
  }

  get context(): PfsContext {
    return this.parts.context;
  }

  /** Who asks, for the journal. */
  get actor(): Request {
    const { actor, user } = this.signer;
    return user === undefined ? { actor } : { actor, user };
  }

  header(name: string): string | undefined {
    const value = this.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** The body as it is meant; see {@link signedBody}. */
  body({ hasChecksums = true } = {}): AsyncGenerator<Buffer> {
    return signedBody(this.#message, {
      headers: this.headers,
      signature: this.#signature,
      hasChecksums,
    });
  }

  /** The body as a document. Without `hasChecksums`, the checksums of the headers are those of something else. */
  async document(options: { readonly hasChecksums?: boolean } = {}): Promise<string> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of this.body(options)) {
      parts.push(part);
      size += part.length;
      if (size > MAX_DOCUMENT_BYTES) {
        throw new S3Error('EntityTooLarge', 'The document is too long');
      }
    }
    return Buffer.concat(parts).toString('utf8');
  }

  /** Returns a number of the query, between 0 and a most. */
  number(name: string, most: number): number {
    const text = this.query.get(name);
    const value = text === undefined || text === '' ? most : Number(text);
    if (!Number.isInteger(value) || value < 0) {
      throw new S3Error('InvalidArgument', `"${name}" must be a number from 0`);
    }
    return Math.min(value, most);
  }

  /** Answers without a body. */
  empty(status = 200, headers: Readonly<Record<string, string>> = {}): void {
    this.response.writeHead(status, headers).end();
  }

  /** Answers with a document. */
  send(name: string, value: XmlValue, headers: Readonly<Record<string, string>> = {}): void {
    const bytes = Buffer.from(xml(name, value));
    const all = { 'content-type': 'application/xml', 'content-length': bytes.length, ...headers };
    this.response.writeHead(200, all).end(this.method === 'HEAD' ? undefined : bytes);
  }
}

/** Returns a time as documents have it. */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}
