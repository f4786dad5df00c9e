// Entries, and directories of this host, as tar streams.

import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Header, type Pack, pack } from 'tar-stream';
import { EngineError } from '../base/errors.ts';

/** Contents have no time of change. */
const MODIFIED = new Date(0);
/** A larger id does not fit the header and goes into a record before it. */
const MAX_OCTAL_ID = 0o777777;

/** One entry of a tar stream. */
export interface TarEntry {
  /** Relative, with slashes; that of a directory ends in one. */
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Where a symlink points. */
  readonly target?: string;
  /** A file's content, at hand or where it is on this host, and its length in bytes. */
  readonly content?: {
    readonly size: number;
    readonly path?: string;
    readonly data?: Buffer | AsyncIterable<Uint8Array>;
  };
  /** None unless told. */
  readonly modified?: Date;
}

/**
 * Returns the entries as a tar stream. It fails with what `entries` throws, and with `unavailable` where a file's content
 * is not of the length that was said.
 */
export function packTar(entries: Iterable<TarEntry> | AsyncIterable<TarEntry>): Readable {
  const archive = pack();
  // Whoever reads learns of it; it would also be told to nobody, which ends the process.
  archive.on('error', () => undefined);
  fill(archive, entries).catch((error: Error) => archive.destroy(error));
  return Readable.from(archive, { objectMode: false });
}

/**
 * Yields what is below `directory`, each name below `prefix`. Links stay links; what is neither file, directory nor link
 * rejects with `invalid`.
 */
export async function* directoryEntries(
  directory: string,
  prefix: string,
): AsyncGenerator<TarEntry> {
  const names = (await readdir(directory)).sort();
  for (const base of names) {
    const path = join(directory, base);
    const name = `${prefix}/${base}`;
    const stat = await lstat(path);
    const mode = stat.mode & 0o777;
    if (stat.isDirectory()) {
      yield { name: `${name}/`, type: 'directory', mode };
      yield* directoryEntries(path, name);
    } else if (stat.isSymbolicLink()) {
      yield { name, type: 'symlink', mode, target: await readlink(path) };
    } else if (stat.isFile()) {
      yield { name, type: 'file', mode, content: { path, size: stat.size } };
    } else {
      throw new EngineError(
        'invalid',
        `Cannot copy "${path}" into a container: it is neither a file nor a directory; remove it`,
      );
    }
  }
}

async function fill(
  archive: Pack,
  entries: Iterable<TarEntry> | AsyncIterable<TarEntry>,
): Promise<void> {
  for await (const entry of entries) {
    const header = headerOf(entry);
    const { size = 0, path, data = Buffer.alloc(0) } = entry.content ?? {};
    if (path !== undefined && size > 0) {
      await pipeline(fileContent({ path, size }), archive.entry({ ...header, size }));
    } else if (Buffer.isBuffer(data)) {
      await new Promise<void>((resolve, reject) => {
        const made = archive.entry(header, data, (error) => (error ? reject(error) : resolve()));
        made.on('error', reject);
      });
    } else {
      await pipeline(data, archive.entry({ ...header, size }));
    }
  }
  archive.finalize();
}

async function* fileContent(content: { path: string; size: number }): AsyncGenerator<Buffer> {
  const { path, size } = content;
  let sent = 0;
  for await (const chunk of createReadStream(path, { end: size - 1 })) {
    sent += (chunk as Buffer).length;
    yield chunk as Buffer;
  }
  if (sent !== size) {
    throw new EngineError(
      'unavailable',
      `Cannot copy "${path}" into a container: it changed meanwhile; try again`,
    );
  }
}

function headerOf(entry: TarEntry): Partial<Header> & { name: string } {
  const { name, type, mode, uid = 0, gid = 0, target, modified = MODIFIED } = entry;
  const pax = Object.fromEntries(
    Object.entries({ uid, gid })
      .filter(([, id]) => id > MAX_OCTAL_ID)
      .map(([key, id]) => [key, String(id)]),
  );
  return {
    name,
    type,
    mode,
    uid,
    gid,
    mtime: modified,
    ...(target === undefined ? {} : { linkname: target }),
    ...(Object.keys(pax).length === 0 ? {} : { pax }),
  };
}
