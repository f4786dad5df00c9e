// Unpacking the archives of an upload, while they stream through: each file of a tar, gzipped or not, becomes a file of the
// upload. Nothing is written to the engine's own disk, so there is nothing that an entry could escape from.

import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Extract, extract } from 'tar-stream';
import { ArchiveEnd } from '../base/archive-end.ts';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import { normalizePath } from './names.ts';
import type { FilePart } from './upload.ts';

type Entry = Extract extends AsyncIterable<infer E> ? E : never;

/** Stands for bytes that are not UTF-8. */
const UNREADABLE = '\ufffd';
const NOTHING = Buffer.alloc(0);
/** What archives begin with that are compressed otherwise than by gzip. */
const OTHER_MAGIC: readonly (readonly [name: string, magic: string])[] = [
  ['xz', 'fd377a585a00'],
  ['zstd', '28b52ffd'],
  ['bzip2', '425a68'],
  ['zip', '504b0304'],
];

/**
 * Yields what the files of an upload, all archives, hold; the path of each names the directory that its entries go to.
 * Directories come with their files; links come as links, hard ones by the path they lead to. Rejects with `invalid`
 * on devices, pipes, names that lead out, and what is no whole tar.
 */
export async function* untarFiles(
  parts: AsyncIterable<readonly FilePart[]>,
): AsyncGenerator<readonly FilePart[]> {
  const source = new ArchiveSource(parts);
  for (let name = await source.next(); name !== undefined; name = await source.next()) {
    yield* entriesOf(source.bytes(), normalizePath(name));
  }
}

/** The archives of an upload, one after the other. */
class ArchiveSource {
  readonly #parts: AsyncIterator<readonly FilePart[]>;
  #batch: readonly FilePart[] = [];
  #at = 0;

  constructor(parts: AsyncIterable<readonly FilePart[]>) {
    this.#parts = parts[Symbol.asyncIterator]();
  }

  /** Returns the path of the next archive; undefined after the last. */
  async next(): Promise<string | undefined> {
    return (await this.#part())?.path;
  }

  /** Yields the bytes of the archive that {@link ArchiveSource.next} named. */
  async *bytes(): AsyncGenerator<Buffer> {
    for (;;) {
      const part = await this.#part();
      if (part === undefined) {
        throw new EngineError('invalid', 'Cannot unpack: not all of the archive arrived');
      }
      this.#at += 1;
      if (part.data.length > 0) {
        yield part.data;
      }
      if (part.last) {
        return;
      }
    }
  }

  async #part(): Promise<FilePart | undefined> {
    while (this.#at >= this.#batch.length) {
      const step = await this.#parts.next();
      if (step.done) {
        return undefined;
      }
      this.#batch = step.value;
      this.#at = 0;
    }
    return this.#batch[this.#at];
  }
}

async function* entriesOf(
  bytes: AsyncGenerator<Buffer>,
  directory: string,
): AsyncGenerator<readonly FilePart[]> {
  const archive = extract();
  const end = new ArchiveEnd();
  const fed = feed(bytes, archive, end);
  // Whoever reads the entries is told as well.
  fed.catch(() => undefined);
  let count = 0;
  try {
    for await (const entry of archive) {
      count += 1;
      yield* partsOf(entry, directory);
      entry.resume();
    }
    await fed;
  } catch (error) {
    if (isEngineError(error)) {
      throw error;
    }
    archive.destroy();
    const cause = await fed.then(
      () => error,
      (why: unknown) => why,
    );
    throw isEngineError(cause) ? cause : notTar(cause);
  } finally {
    archive.destroy();
  }
  if (count === 0) {
    throw new EngineError('invalid', 'Cannot unpack: the archive is empty, or is no tar');
  }
  if (!end.isThere) {
    throw new EngineError(
      'invalid',
      'Cannot unpack: the archive has no end, so that some of it may be missing; make it again, or send it whole',
    );
  }
}

async function feed(
  bytes: AsyncGenerator<Buffer>,
  archive: Extract,
  end: ArchiveEnd,
): Promise<void> {
  const { head, rest } = await peek(bytes, 6);
  const magic = head.toString('hex');
  const other = OTHER_MAGIC.find(([, begin]) => magic.startsWith(begin));
  if (other) {
    archive.destroy();
    throw new EngineError(
      'invalid',
      `Cannot unpack: the archive is ${other[0]}; send it as tar, or compressed by gzip`,
    );
  }
  const watch = (tar: AsyncIterable<Buffer>) => end.watch(tar);
  await (magic.startsWith('1f8b')
    ? pipeline(rest, createGunzip(), watch, archive)
    : pipeline(rest, watch, archive));
}

/** Takes the first bytes out of a stream, and puts them back. */
async function peek(
  bytes: AsyncGenerator<Buffer>,
  length: number,
): Promise<{ readonly head: Buffer; readonly rest: AsyncGenerator<Buffer> }> {
  const taken: Buffer[] = [];
  let got = 0;
  while (got < length) {
    const step = await bytes.next();
    if (step.done) {
      break;
    }
    taken.push(step.value);
    got += step.value.length;
  }
  const rest = (async function* () {
    yield* taken;
    yield* bytes;
  })();
  return { head: Buffer.concat(taken).subarray(0, length), rest };
}

async function* partsOf(entry: Entry, directory: string): AsyncGenerator<readonly FilePart[]> {
  const { type, mode = 0, linkname, name, size = 0 } = entry.header;
  const path = safePath(name, directory);
  const base = { path, executable: (mode & 0o111) !== 0 };
  if (type === 'directory') {
    return;
  }
  if (type === 'symlink' || type === 'link') {
    const target = type === 'link' ? safePath(linkname ?? '', directory) : (linkname ?? '');
    const link = type === 'link' ? ('hard' as const) : ('symbolic' as const);
    yield [{ ...base, link, data: Buffer.from(target), first: true, last: true }];
    return;
  }
  if (type !== 'file' && type !== 'contiguous-file') {
    throw new EngineError(
      'invalid',
      `Cannot store "${name}" of the archive: it is a device, a pipe or of another kind that is no file; leave it out`,
    );
  }
  let got = 0;
  for await (const chunk of entry as AsyncIterable<Buffer>) {
    const first = got === 0;
    got += chunk.length;
    yield [{ ...base, data: chunk, first, last: got === size }];
  }
  if (size === 0) {
    yield [{ ...base, data: NOTHING, first: true, last: true }];
  }
}

/** Returns where an entry goes; a leading slash is left out, as tar itself does. */
function safePath(name: string, directory: string): string {
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..') || name.includes('\0')) {
    throw new EngineError(
      'invalid',
      `Cannot store "${name}" of the archive: its name leads out of the directory`,
    );
  }
  if (name.includes(UNREADABLE)) {
    throw new EngineError(
      'invalid',
      `Cannot store "${name}" of the archive: its name is not UTF-8; rename it`,
    );
  }
  return normalizePath([directory, ...segments].join('/'));
}

function notTar(cause: unknown): EngineError {
  return new EngineError(
    'invalid',
    `Cannot unpack: the archive is no whole tar, or gzipped one: ${errorText(cause)}`,
    { cause },
  );
}
