// Tar streams (ustar, pax, GNU long names) as the Docker API gives them, unpacked below one directory and nowhere else.

import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError } from '../base/errors.ts';

const BLOCK = 512;
/** Longer names and records are no names. */
const MAX_RECORD_BYTES = 1024 * 1024;

interface Entry {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly size: number;
  readonly target: string;
}

/**
 * Unpacks `source` below `directory`, which exists, leaving out the first `strip` parts of each name. Everything belongs to
 * the engine's user, who can read and remove it. Rejects with `invalid` on pipes, devices and names that lead out.
 */
export async function unpackTar(
  source: AsyncIterable<Buffer>,
  directory: string,
  options: { strip: number },
): Promise<void> {
  const bytes = new ByteSource(source);
  const links: { path: string; target: string }[] = [];
  for (let entry = await nextEntry(bytes); entry; entry = await nextEntry(bytes)) {
    const name = safeName(entry.name, options.strip);
    if (name === '') {
      await bytes.skip(padded(entry.size));
      continue;
    }
    const path = join(directory, name);
    if (entry.type === '5') {
      await mkdir(path, { recursive: true, mode: entry.mode | 0o700 });
    } else if (entry.type === '0' || entry.type === '\0' || entry.type === '7') {
      await mkdir(dirname(path), { recursive: true });
      await writeContent(path, { bytes, entry });
    } else if (entry.type === '2') {
      links.push({ path, target: entry.target });
    } else if (entry.type === '1') {
      await link(join(directory, safeName(entry.target, options.strip)), path);
    } else {
      throw new EngineError(
        'invalid',
        `Cannot collect "${name}": it is a pipe, a socket or a device; write files only`,
      );
    }
  }
  // Last, so that no entry can be written through a link.
  for (const { path, target } of links) {
    await mkdir(dirname(path), { recursive: true });
    await symlink(target, path);
  }
  await bytes.drain();
}

async function writeContent(
  path: string,
  content: { bytes: ByteSource; entry: Entry },
): Promise<void> {
  const { bytes, entry } = content;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file: FileHandle = await open(path, flags, (entry.mode & 0o777) | 0o600);
  try {
    let left = entry.size;
    while (left > 0) {
      const chunk = await bytes.some(left);
      await file.writeFile(chunk);
      left -= chunk.length;
    }
  } finally {
    await file.close();
  }
  await bytes.skip(padded(entry.size) - entry.size);
}

/** Reads headers up to the next entry proper; undefined at the end. */
async function nextEntry(bytes: ByteSource): Promise<Entry | undefined> {
  const over: { path?: string; linkpath?: string; size?: string } = {};
  for (;;) {
    const header = await bytes.take(BLOCK);
    if (!header || header.every((byte) => byte === 0)) {
      return undefined;
    }
    const type = header.toString('latin1', 156, 157);
    const size = numberAt(header, { at: 124, width: 12 });
    if (!'xgLK'.includes(type)) {
      const prefix =
        header.toString('latin1', 257, 262) === 'ustar'
          ? textAt(header, { at: 345, width: 155 })
          : '';
      const short = textAt(header, { at: 0, width: 100 });
      return {
        name: over.path ?? (prefix ? `${prefix}/${short}` : short),
        type,
        mode: numberAt(header, { at: 100, width: 8 }),
        size: type === '5' || type === '2' || type === '1' ? 0 : Number(over.size ?? size),
        target: over.linkpath ?? textAt(header, { at: 157, width: 100 }),
      };
    }
    if (size > MAX_RECORD_BYTES) {
      throw new EngineError(
        'invalid',
        'Cannot read tar stream: a name in it is too long; shorten it',
      );
    }
    const body = (await bytes.take(padded(size)))?.subarray(0, size) ?? Buffer.alloc(0);
    if (type === 'L') {
      over.path = body.toString('utf8').replace(/\0+$/, '');
    } else if (type === 'K') {
      over.linkpath = body.toString('utf8').replace(/\0+$/, '');
    } else if (type === 'x') {
      Object.assign(over, paxRecords(body));
    }
  }
}

function paxRecords(body: Buffer): Record<string, string> {
  const records: Record<string, string> = {};
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const length = Number(body.toString('latin1', at, space));
    if (space < 0 || !(length > 0)) {
      throw new EngineError('invalid', 'Cannot read tar stream: a pax record is broken; try again');
    }
    const record = body.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    records[record.slice(0, equals)] = record.slice(equals + 1);
    at += length;
  }
  return records;
}

function safeName(name: string, strip: number): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0')) {
    throw new EngineError('invalid', `Cannot unpack "${name}": it leads out of its directory`);
  }
  return parts.slice(strip).join('/');
}

function textAt(header: Buffer, field: { at: number; width: number }): string {
  const text = header.toString('utf8', field.at, field.at + field.width);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

/** Octal digits, or, where the first bit is set, a big-endian number. */
function numberAt(header: Buffer, field: { at: number; width: number }): number {
  const bytes = header.subarray(field.at, field.at + field.width);
  const first = bytes[0] ?? 0;
  if (first & 0x80) {
    return bytes.subarray(1).reduce((total, byte) => total * 256 + byte, first & 0x7f);
  }
  return Number.parseInt(textAt(header, field).trim() || '0', 8);
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** A stream of chunks read by counts of bytes. */
class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Returns exactly `count` bytes, or undefined where the stream ends before the first. */
  async take(count: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; ) {
      if (!(await this.#fill())) {
        if (left === count) {
          return undefined;
        }
        throw cutShort();
      }
      const part = this.#chunk.subarray(0, left);
      this.#chunk = this.#chunk.subarray(part.length);
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** Returns at least one and at most `count` bytes. */
  async some(count: number): Promise<Buffer> {
    if (!(await this.#fill())) {
      throw cutShort();
    }
    const part = this.#chunk.subarray(0, count);
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      left -= (await this.some(left)).length;
    }
  }

  /** Reads to the end, so that the connection below can be used again. */
  async drain(): Promise<void> {
    while (await this.#fill()) {
      this.#chunk = Buffer.alloc(0);
    }
  }

  async #fill(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) {
        return false;
      }
      this.#chunk = next.value;
    }
    return true;
  }
}

function cutShort(): EngineError {
  return new EngineError('unavailable', 'Cannot read tar stream: it was cut short; try again');
}
