// `put file -f s3://…`: the objects of a bucket as files of an upload.

import type { S3File, S3Files } from '../engine/object/s3-files.ts';
import { CliError } from './cli-error.ts';
import type { Environment } from './context.ts';
import { openS3, parseS3, s3Failure } from './s3-place.ts';

/** Small objects are fetched ahead, so many at once, because each costs a round trip. */
const AHEAD = 16;
const SMALL_BYTES = 1024 * 1024;

/** A file whose content comes as a stream. */
export interface StreamedFile {
  readonly path: string;
  readonly from: string;
  readonly stream: AsyncIterable<Uint8Array>;
}

/**
 * Yields the object that `source` names, as `target`; or, where `below`, all objects below it, each below `target`.
 * Throws for keys that are no paths, and when there is no such object.
 */
export async function* s3Objects(
  source: string,
  options: {
    readonly target: string;
    readonly below: boolean;
    readonly env: Environment;
    readonly signal: AbortSignal;
  },
): AsyncIterable<StreamedFile> {
  const { target, below, signal } = options;
  const place = parseS3(source);
  const s3 = await openS3(place, options);
  try {
    if (!below) {
      yield { path: target, from: source, stream: guarded(s3.read(place.key), signal) };
      return;
    }
    const prefix = place.key === '' || place.key.endsWith('/') ? place.key : `${place.key}/`;
    const top = target === '/' ? '' : target;
    let count = 0;
    for await (const file of ahead(s3, filesBelow(s3, { prefix, source }))) {
      count += 1;
      const stream = guarded(file.stream, signal);
      yield {
        path: `${top}/${file.key.slice(prefix.length)}`,
        from: `s3://${place.bucket}/${file.key}`,
        stream,
      };
    }
    if (count === 0) {
      throw new CliError('not_found', `Cannot put "${source}": there is no object below it`);
    }
  } catch (error) {
    throw s3Failure(error, signal);
  } finally {
    s3.close();
  }
}

async function* filesBelow(
  s3: S3Files,
  at: { readonly prefix: string; readonly source: string },
): AsyncGenerator<S3File> {
  for await (const file of s3.list(at.prefix)) {
    const { key, size } = file;
    if (key.endsWith('/') && size === 0) {
      // What some tools put for a folder; there are none here without files.
      continue;
    }
    const path = key.slice(at.prefix.length);
    if (path.split('/').some((name) => name === '' || name === '.' || name === '..')) {
      throw new CliError(
        'invalid',
        `Cannot put "${at.source}": the key "${key}" is no path of a file; rename the object or leave it out`,
      );
    }
    yield file;
  }
}

async function* ahead(
  s3: S3Files,
  files: AsyncGenerator<S3File>,
): AsyncGenerator<{ readonly key: string; readonly stream: AsyncIterable<Uint8Array> }> {
  const waiting: { readonly key: string; readonly content: Promise<Buffer> | undefined }[] = [];
  let isOver = false;
  for (;;) {
    while (!isOver && waiting.length < AHEAD) {
      const step = await files.next();
      if (step.done) {
        isOver = true;
        break;
      }
      const { key, size } = step.value;
      const content = size <= SMALL_BYTES ? whole(s3.read(key)) : undefined;
      // Whoever takes it meets the failure.
      content?.catch(() => undefined);
      waiting.push({ key, content });
    }
    const first = waiting.shift();
    if (first === undefined) {
      return;
    }
    const { key, content } = first;
    yield { key, stream: content === undefined ? s3.read(key) : once(content) };
  }
}

async function whole(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function* once(content: Promise<Buffer>): AsyncIterable<Uint8Array> {
  yield await content;
}

async function* guarded(
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw s3Failure(error, signal);
  }
}
