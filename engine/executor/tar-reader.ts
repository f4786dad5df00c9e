// Tar streams, as the Docker API gives them, unpacked below one directory and nowhere else.

import { constants } from 'node:fs';
import { link, mkdir, open, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract } from 'tar-stream';
import { EngineError, errorText, systemCode } from '../base/errors.ts';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Stands for bytes that are not UTF-8. */
const UNREADABLE = '\ufffd';

type Entry = Extract extends AsyncIterable<infer E> ? E : never;

interface Target {
  readonly directory: string;
  readonly strip: number;
  readonly maxLinks: number;
  /** Made last, so that no entry can be written through a link. */
  readonly links: { readonly path: string; readonly target: string }[];
}

/**
 * Unpacks `source` below `directory`, which exists, leaving out the first `strip` parts of each name. Everything belongs to
 * the engine's user, who can read and remove it. Rejects with `invalid` on pipes, devices and names that lead out or are
 * not UTF-8, or more than `maxLinks` symbolic links, with `unavailable` where the stream is broken or cut short.
 */
export async function unpackTar(
  source: AsyncIterable<Buffer>,
  directory: string,
  options: { readonly strip: number; readonly maxLinks?: number },
): Promise<void> {
  const { strip, maxLinks = Number.POSITIVE_INFINITY } = options;
  const target: Target = { strip, maxLinks, directory, links: [] };
  const archive = extract();
  const fed = pipeline(source, archive);
  try {
    // Both are awaited: the first that fails ends the other.
    await Promise.all([fed, unpackEntries(archive, target)]);
  } catch (error) {
    throw error instanceof EngineError || systemCode(error) !== undefined
      ? error
      : new EngineError('unavailable', `Cannot read tar stream: ${errorText(error)}; try again`, {
          cause: error,
        });
  }
  await makeLinks(target.links);
}

async function makeLinks(links: Target['links']): Promise<void> {
  const made = new Set<string>();
  for (const { path, target } of links) {
    for (let above = dirname(path); above !== dirname(above); above = dirname(above)) {
      if (made.has(above)) {
        throw new EngineError('invalid', `Cannot unpack "${path}": it lies below a link`);
      }
    }
    await mkdir(dirname(path), { recursive: true });
    await symlink(target, path);
    made.add(path);
  }
}

async function unpackEntries(archive: AsyncIterable<Entry>, target: Target): Promise<void> {
  for await (const entry of archive) {
    const name = safeName(entry.header.name, target.strip);
    if (name !== '') {
      await unpackEntry(entry, { ...target, name });
    }
    entry.resume();
  }
}

async function unpackEntry(entry: Entry, target: Target & { name: string }): Promise<void> {
  const { directory, strip, links, name } = target;
  const { type, mode = 0, linkname, size = 0 } = entry.header;
  const path = join(directory, name);
  // What can't be counted never ends.
  if (!Number.isSafeInteger(size)) {
    throw new EngineError('invalid', `Cannot unpack "${name}": its size is no number`);
  }
  if (type === 'directory') {
    await mkdir(path, { recursive: true, mode: (mode & 0o777) | 0o700 });
  } else if (type === 'file' || type === 'contiguous-file') {
    await mkdir(dirname(path), { recursive: true });
    await writeContent(path, entry);
  } else if (type === 'symlink') {
    if (links.length === target.maxLinks) {
      throw new EngineError(
        'invalid',
        `Cannot unpack "${name}": there are more than ${target.maxLinks} symbolic links`,
      );
    }
    links.push({ path, target: linkname ?? '' });
  } else if (type === 'link') {
    await link(join(directory, safeName(linkname ?? '', strip)), path);
  } else {
    throw new EngineError(
      'invalid',
      `Cannot collect "${name}": it is a pipe, a socket or a device; write files only`,
    );
  }
}

async function writeContent(path: string, entry: Entry): Promise<void> {
  const file = await open(path, NEW_FILE, ((entry.header.mode ?? 0) & 0o777) | 0o600);
  try {
    for await (const chunk of entry) {
      await file.writeFile(chunk as Buffer);
    }
  } finally {
    await file.close();
  }
}

function safeName(name: string, strip: number): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0')) {
    throw new EngineError('invalid', `Cannot unpack "${name}": it leads out of its directory`);
  }
  if (name.includes(UNREADABLE)) {
    throw new EngineError('invalid', `Cannot unpack "${name}": its name is not UTF-8; rename it`);
  }
  return parts.slice(strip).join('/');
}
