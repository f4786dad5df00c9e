// Egress to a bucket: objects appear whole, and only those that were put here before are ever removed.

import { EngineError, isEngineError } from '../base/errors.ts';
import { S3Files, type S3FilesOptions } from '../object/s3-files.ts';
import { inParallel } from './in-parallel.ts';
import type { EgressTarget, Outgoing, OutgoingFile } from './outgoing.ts';

/** Requests under way at a time. */
const AT_ONCE = 8;

export interface S3TargetOptions extends Omit<S3FilesOptions, 'signal'> {
  /** Before every path; without slashes at its ends. */
  readonly prefix: string;
}

/** A prefix of a bucket. */
export class S3Target implements EgressTarget {
  readonly name: string;
  readonly #options: S3TargetOptions;

  constructor(options: S3TargetOptions) {
    this.#options = options;
    this.name = `s3://${options.bucket}/${options.prefix}`;
  }

  async send(outgoing: Outgoing, signal: AbortSignal): Promise<void> {
    const { prefix, ...server } = this.#options;
    const bucket = new S3Files({ ...server, signal });
    const before = prefix === '' ? '' : `${prefix}/`;
    try {
      await inParallel(AT_ONCE, this.#missing(outgoing, { bucket, before }), async (file) => {
        await this.#put(bucket, { file, key: before + file.path, outgoing });
      });
      await inParallel(AT_ONCE, outgoing.gone(), async (path) => {
        await removeOwn(bucket, before + path);
      });
    } catch (error) {
      throw signal.aborted && !isEngineError(error)
        ? new EngineError('cancelled', 'Cannot go on with the egress: it was stopped', {
            cause: error,
          })
        : error;
    } finally {
      bucket.close();
    }
  }

  /** Yields what is not there as it should be: both lists are in one order, and gone through together. */
  async *#missing(
    outgoing: Outgoing,
    place: { readonly bucket: S3Files; readonly before: string },
  ): AsyncGenerator<OutgoingFile & { readonly sizeThere: number | undefined }> {
    const { bucket, before } = place;
    const there = bucket.list(before)[Symbol.asyncIterator]();
    let next = await there.next();
    for await (const file of outgoing.files()) {
      const key = before + file.path;
      while (!next.done && isBefore(next.value.key, key)) {
        next = await there.next();
      }
      const sizeThere = !next.done && next.value.key === key ? next.value.size : undefined;
      if (!file.isKnown || sizeThere !== file.size) {
        yield { ...file, sizeThere };
      }
    }
  }

  async #put(
    bucket: S3Files,
    what: {
      readonly file: OutgoingFile & { readonly sizeThere: number | undefined };
      readonly key: string;
      readonly outgoing: Outgoing;
    },
  ): Promise<void> {
    const { file, key, outgoing } = what;
    const { size, id } = file;
    // An attempt that was cut off has put it, perhaps.
    const isThere = file.sizeThere === size && (await bucket.head(key))?.id === id;
    if (!isThere) {
      await bucket.put(key, { size, id, data: outgoing.read(file) });
    }
  }
}

/** Removes an object that says that it is of ours. */
async function removeOwn(bucket: S3Files, key: string): Promise<void> {
  const there = await bucket.head(key);
  if (there?.id !== undefined) {
    await bucket.delete(key);
  }
}

/** Keys are in the order of their bytes. */
function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}
