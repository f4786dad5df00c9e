// Uploads in parts, kept in files of the engine's home until they are completed: they survive its restart, and no commit
// knows of them before they are whole.

import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { IdMaker } from '../../base/ids.ts';
import type { Bucket } from './bucket.ts';
import { S3Error } from './s3-error.ts';

export const MOST_PARTS = 10_000;
/** What nobody completes is forgotten after this long. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;
const PART = /^part-(\d{5})\.([0-9a-f]{32})$/;
const RECORD = 'upload.json';

export interface Upload {
  readonly id: string;
  readonly repo: string;
  readonly ref: string;
  readonly key: string;
  readonly started: number;
}

export interface Part {
  readonly number: number;
  /** MD5, hex digits. */
  readonly etag: string;
  readonly size: number;
  readonly modified: number;
}

export class MultipartUploads {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #ids: IdMaker;
  readonly #uploads = new Map<string, Upload>();

  /** Takes over what is in the folder, which is made where absent, but for what is too old or was never begun whole. */
  constructor(folder: string, options: { readonly clock: Clock; readonly ids: IdMaker }) {
    this.#folder = folder;
    this.#clock = options.clock;
    this.#ids = options.ids;
    mkdirSync(folder, { recursive: true });
    for (const id of readdirSync(folder)) {
      const upload = readRecord(join(folder, id, RECORD));
      if (upload && this.#isKept(upload)) {
        this.#uploads.set(id, upload);
      } else {
        rmSync(join(folder, id), { recursive: true, force: true });
      }
    }
  }

  #isKept({ started }: Upload): boolean {
    return started > this.#clock.now() - KEPT_MS;
  }

  async begin(bucket: Bucket, key: string): Promise<Upload> {
    for (const upload of [...this.#uploads.values()]) {
      if (!this.#isKept(upload)) {
        await this.end(upload);
      }
    }
    const id = this.#ids.next();
    const { repo, ref } = bucket;
    const upload = { id, repo, ref, key, started: this.#clock.now() };
    mkdirSync(join(this.#folder, id), { recursive: true });
    await writeFile(join(this.#folder, id, RECORD), JSON.stringify(upload));
    this.#uploads.set(id, upload);
    return upload;
  }

  /** Returns the upload of that id to that key; `NoSuchUpload` where there is none. */
  find(id: string, bucket: Bucket, key: string): Upload {
    const upload = this.#uploads.get(id);
    if (!upload || upload.key !== key || upload.repo !== bucket.repo || upload.ref !== bucket.ref) {
      throw new S3Error('NoSuchUpload', 'There is no such upload (any more); begin it anew');
    }
    return upload;
  }

  /** Returns the uploads to a bucket that are under way, in the order of their keys. */
  list({ repo, ref }: Bucket): Upload[] {
    return [...this.#uploads.values()]
      .filter((upload) => upload.repo === repo && upload.ref === ref)
      .sort((a, b) => (a.key === b.key ? (a.id < b.id ? -1 : 1) : a.key < b.key ? -1 : 1));
  }

  /** Takes in one part, in place of an earlier one of its number, and returns its ETag. */
  async putPart(
    { id }: Upload,
    number: number,
    source: AsyncIterable<Uint8Array>,
  ): Promise<string> {
    const folder = join(this.#folder, id);
    const temporary = join(folder, `incoming-${this.#ids.next()}`);
    const digest = createHash('md5');
    const file = await open(temporary, 'wx', 0o600);
    try {
      for await (const bytes of source) {
        digest.update(bytes);
        await file.writeFile(bytes);
      }
      await file.sync();
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    const etag = digest.digest('hex');
    const name = `part-${String(number).padStart(5, '0')}.${etag}`;
    await rename(temporary, join(folder, name));
    for (const other of readdirSync(folder)) {
      if (other !== name && other.startsWith(name.slice(0, 11))) {
        await rm(join(folder, other), { force: true });
      }
    }
    return etag;
  }

  /** Returns the parts that have come, in the order of their numbers. */
  parts({ id }: Upload): Part[] {
    const folder = join(this.#folder, id);
    return readdirSync(folder)
      .sort()
      .flatMap((name) => {
        const [, number, etag] = PART.exec(name) ?? [];
        if (number === undefined || etag === undefined) {
          return [];
        }
        const { size, mtimeMs } = statSync(join(folder, name));
        return [{ number: Number(number), etag, size, modified: mtimeMs }];
      });
  }

  /** Yields the bytes of parts, one after the other. */
  async *read({ id }: Upload, parts: readonly Part[]): AsyncGenerator<Buffer> {
    for (const { number, etag } of parts) {
      const name = `part-${String(number).padStart(5, '0')}.${etag}`;
      yield* createReadStream(join(this.#folder, id, name), { highWaterMark: 1024 * 1024 });
    }
  }

  /** Forgets an upload with all its parts. */
  async end({ id }: Upload): Promise<void> {
    this.#uploads.delete(id);
    await rm(join(this.#folder, id), { recursive: true, force: true });
  }
}

function readRecord(file: string): Upload | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Upload;
  } catch {
    // The engine was killed while it wrote it: the client never learned the id.
    return undefined;
  }
}
