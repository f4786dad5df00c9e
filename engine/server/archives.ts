// Files as one archive that streams: nothing is held but a zip's list of what is in it.

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { makeZip } from 'client-zip';
import { packTar, type TarEntry } from '../executor/tar-writer.ts';
import type { OutgoingFile } from './frames.ts';
import { ARCHIVE_FORMATS, type ArchiveFormat } from './wire.ts';

/** A zip has to remember all its files until its end. */
export const MAX_ZIP_FILES = 250_000;

export const ARCHIVE_TYPES: Readonly<Record<ArchiveFormat, string>> = {
  tar: 'application/x-tar',
  'tar.gz': 'application/gzip',
  zip: 'application/zip',
};

export function isArchiveFormat(text: string | undefined): text is ArchiveFormat {
  return (ARCHIVE_FORMATS as readonly (string | undefined)[]).includes(text);
}

/** Returns the files as a stream of an archive; it fails with whatever reading them fails with. */
export function archiveOf(
  files: AsyncIterable<OutgoingFile>,
  { format, modified }: { readonly format: ArchiveFormat; readonly modified: Date },
): Readable {
  if (format === 'zip') {
    return Readable.fromWeb(
      makeZip(zipEntries(files, modified)) as Parameters<typeof Readable.fromWeb>[0],
    );
  }
  const tar = packTar(tarEntries(files, modified));
  if (format === 'tar') {
    return tar;
  }
  const gzip = createGzip();
  // What goes wrong with either ends both, and whoever reads learns it as they read.
  for (const stream of [tar, gzip]) {
    stream.on('error', () => undefined);
  }
  pipeline(tar, gzip).catch(() => undefined);
  return gzip;
}

async function* tarEntries(
  files: AsyncIterable<OutgoingFile>,
  modified: Date,
): AsyncGenerator<TarEntry> {
  for await (const { path: name, size, data, executable, isLink } of files) {
    if (isLink && Buffer.isBuffer(data)) {
      yield { name, type: 'symlink', mode: 0o777, target: data.toString(), modified };
    } else {
      const mode = executable ? 0o755 : 0o644;
      yield { name, type: 'file', mode, content: { size, data }, modified };
    }
  }
}

async function* zipEntries(files: AsyncIterable<OutgoingFile>, lastModified: Date) {
  for await (const { path: name, data, executable, isLink } of files) {
    const mode = executable ? 0o100755 : 0o100644;
    yield { name, input: data, mode: isLink ? 0o120777 : mode, lastModified };
  }
}
