// Directories as tar streams (POSIX ustar, with pax records for what doesn't fit), as the Docker API takes them.

import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../base/errors.ts';

const BLOCK = 512;
const MAX_NAME_BYTES = 100;
const MAX_OCTAL_SIZE = 0o77777777777;

/** One entry of a tar stream, without its content. */
export interface TarEntry {
  /** Relative, with slashes. */
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly size?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Where a symlink points. */
  readonly target?: string;
}

const TYPES = { file: '0', directory: '5', symlink: '2' } as const;

/** Returns the header of `entry`, with a pax header before it where needed. The content follows, padded. */
export function tarHeader(entry: TarEntry): Buffer {
  const { name, target = '', size = 0 } = entry;
  const records: [string, string][] = [];
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    records.push(['path', name]);
  }
  if (Buffer.byteLength(target) > MAX_NAME_BYTES) {
    records.push(['linkpath', target]);
  }
  if (size > MAX_OCTAL_SIZE) {
    records.push(['size', String(size)]);
  }
  const header = block({ ...entry, type: TYPES[entry.type] });
  if (records.length === 0) {
    return header;
  }
  const body = Buffer.from(records.map(([key, value]) => paxRecord(key, value)).join(''));
  const pax = block({ name: 'pax', type: 'x', mode: 0o644, size: body.length });
  return Buffer.concat([pax, body, tarPadding(body.length), header]);
}

/** Returns the zeros that fill up the last block of a content of `size` bytes. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Returns the end of every tar stream. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/**
 * Yields what is below `directory` as a tar stream without its end, each name below `prefix`. Links stay links;
 * what is neither file, directory nor link rejects with `invalid`.
 */
export async function* packDirectory(directory: string, prefix: string): AsyncGenerator<Buffer> {
  const names = (await readdir(directory)).sort();
  for (const name of names) {
    const path = join(directory, name);
    const entryName = `${prefix}/${name}`;
    const stat = await lstat(path);
    const mode = stat.mode & 0o777;
    if (stat.isDirectory()) {
      yield tarHeader({ name: `${entryName}/`, type: 'directory', mode });
      yield* packDirectory(path, entryName);
    } else if (stat.isSymbolicLink()) {
      const target = await readlink(path);
      yield tarHeader({ name: entryName, type: 'symlink', mode, target });
    } else if (stat.isFile()) {
      yield tarHeader({ name: entryName, type: 'file', mode, size: stat.size });
      yield* fileContent(path, stat.size);
      yield tarPadding(stat.size);
    } else {
      throw new EngineError(
        'invalid',
        `Cannot copy "${path}" into a container: it is neither a file nor a directory; remove it`,
      );
    }
  }
}

async function* fileContent(path: string, size: number): AsyncGenerator<Buffer> {
  if (size === 0) {
    return;
  }
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

function block(fields: {
  name: string;
  type: string;
  mode: number;
  size?: number;
  uid?: number;
  gid?: number;
  target?: string;
}): Buffer {
  const { name, type, mode, size = 0, uid = 0, gid = 0, target = '' } = fields;
  const header = Buffer.alloc(BLOCK);
  Buffer.from(name).copy(header, 0, 0, MAX_NAME_BYTES);
  writeOctal(header, { at: 100, width: 8, value: mode });
  writeOctal(header, { at: 108, width: 8, value: uid });
  writeOctal(header, { at: 116, width: 8, value: gid });
  writeOctal(header, {
    at: 124,
    width: 12,
    value: type === '0' || type === 'x' ? Math.min(size, MAX_OCTAL_SIZE) : 0,
  });
  writeOctal(header, { at: 136, width: 12, value: 0 });
  header.write(type, 156, 'latin1');
  Buffer.from(target).copy(header, 157, 0, MAX_NAME_BYTES);
  header.write('ustar\x0000', 257, 'latin1');
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  writeOctal(header, { at: 148, width: 7, value: sum });
  return header;
}

function writeOctal(header: Buffer, field: { at: number; width: number; value: number }): void {
  header.write(field.value.toString(8).padStart(field.width - 1, '0'), field.at, 'latin1');
  header[field.at + field.width - 1] = 0;
}

/** A pax record starts with its own length in decimal digits, which count too. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}
