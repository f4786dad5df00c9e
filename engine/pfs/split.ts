// Splitting the files of an upload into numbered pieces of whole records, while they stream through.

import { EngineError } from '../base/errors.ts';
import { MAX_DIRECTORY_ENTRIES } from '../base/limits.ts';
import { normalizePath } from './names.ts';
import { isSpace, newScanner, type RecordFormat, type RecordScanner } from './record-scanner.ts';
import type { FilePart } from './upload.ts';

export interface SplitOptions {
  readonly format: RecordFormat;
  /** A piece ends once it has so many records … */
  readonly datums?: number;
  /** … or at least so many bytes of them, whichever comes first. With neither each record is a piece. */
  readonly bytes?: number;
  /** So many records at the beginning are put in front of each piece; of CSV alone. */
  readonly headerRecords?: number;
}

/** A header is kept in memory for as long as its file lasts. */
const MAX_HEADER_BYTES = 1024 * 1024;

/** Returns the name of piece `number` in its directory. */
export function pieceName(number: number | bigint): string {
  return number.toString(16).padStart(16, '0');
}

/** Rejects with `invalid` what can't be meant. */
export function checkSplit(options: SplitOptions): SplitOptions {
  const { format, datums, bytes, headerRecords = 0 } = options;
  if (!['line', 'json', 'csv'].includes(format)) {
    throw new EngineError('invalid', `Cannot split by "${format}": write line, json or csv`);
  }
  for (const [name, value] of Object.entries({ datums, bytes })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new EngineError('invalid', `Cannot split: the number of ${name} must be 1 or more`);
    }
  }
  if (!Number.isSafeInteger(headerRecords) || headerRecords < 0) {
    throw new EngineError(
      'invalid',
      'Cannot split: the number of header records must be 0 or more',
    );
  }
  if (headerRecords > 0 && format !== 'csv') {
    throw new EngineError('invalid', `Cannot split by ${format} with a header: only csv has one`);
  }
  return options;
}

/** Calls `onFile` with the path of each file, and yields its pieces as files below its path: `<path>/0000000000000000`, `…1`, and so on. */
export async function* splitFiles(
  parts: AsyncIterable<readonly FilePart[]>,
  options: SplitOptions & { readonly onFile?: (path: string) => void },
): AsyncGenerator<readonly FilePart[]> {
  let splitter: Splitter | undefined;
  for await (const batch of parts) {
    const pieces: FilePart[] = [];
    for (const part of batch) {
      if (part.link) {
        throw new EngineError('invalid', `Cannot split "${part.path}": it is a link`);
      }
      if (part.first) {
        const path = normalizePath(part.path);
        options.onFile?.(path);
        splitter = new Splitter({ ...part, path }, options);
      }
      splitter?.write(part.data, pieces);
      if (part.last) {
        splitter?.end(pieces);
        splitter = undefined;
      }
    }
    if (pieces.length > 0) {
      yield pieces;
    }
  }
}

/** Splits one file. */
class Splitter {
  readonly #path: string;
  readonly #executable: boolean;
  readonly #options: SplitOptions;
  readonly #scanner: RecordScanner;
  #headerLeft: number;
  #header: Buffer = Buffer.alloc(0);
  #piece = 0;
  /** Of the piece that is open: what was yielded of it, and its records. */
  #started = false;
  #records = 0;
  #bytes = 0;
  /** Within a record. */
  #inRecord = false;
  /** There was a header and no piece yet. */
  #onlyHeader = false;

  constructor(file: Pick<FilePart, 'path' | 'executable'>, options: SplitOptions) {
    this.#path = file.path;
    this.#executable = file.executable;
    this.#options = options;
    this.#scanner = newScanner(options.format, file.path);
    this.#headerLeft = options.headerRecords ?? 0;
  }

  write(data: Buffer, pieces: FilePart[]): void {
    let from = 0;
    while (from < data.length) {
      if (this.#options.format === 'json' && !this.#inRecord) {
        while (from < data.length && isSpace(data[from] ?? 0)) {
          from += 1;
        }
      }
      const end = this.#scanner.next(data, from);
      const until = end < 0 ? data.length : end;
      if (until > from) {
        this.#inRecord = true;
        this.#take(data.subarray(from, until), pieces);
      }
      from = until;
      if (end >= 0) {
        this.#endRecord(pieces);
      }
    }
  }

  end(pieces: FilePart[]): void {
    this.#scanner.end();
    if (this.#inRecord) {
      this.#endRecord(pieces);
    }
    if (this.#started) {
      this.#close(pieces);
    } else if (this.#onlyHeader) {
      this.#emit(this.#header, pieces);
      this.#close(pieces);
    }
  }

  #take(data: Buffer, pieces: FilePart[]): void {
    if (this.#headerLeft > 0) {
      this.#header = Buffer.concat([this.#header, data]);
      this.#onlyHeader = true;
      if (this.#header.length > MAX_HEADER_BYTES) {
        throw new EngineError(
          'invalid',
          `Cannot split "/${this.#path}": its header is longer than ${MAX_HEADER_BYTES} bytes`,
        );
      }
      return;
    }
    if (!this.#started && this.#header.length > 0) {
      this.#emit(this.#header, pieces);
    }
    this.#bytes += data.length;
    this.#emit(data, pieces);
  }

  #endRecord(pieces: FilePart[]): void {
    this.#inRecord = false;
    if (this.#headerLeft > 0) {
      this.#headerLeft -= 1;
      return;
    }
    this.#records += 1;
    if (this.#options.format === 'json') {
      this.#emit(LINE_END, pieces);
      this.#bytes += 1;
    }
    const { datums, bytes } = this.#options;
    const isFull =
      (datums === undefined && bytes === undefined) ||
      (datums !== undefined && this.#records >= datums) ||
      (bytes !== undefined && this.#bytes >= bytes);
    if (isFull) {
      this.#close(pieces);
    }
  }

  #emit(data: Buffer, pieces: FilePart[]): void {
    if (this.#piece >= MAX_DIRECTORY_ENTRIES) {
      throw new EngineError(
        'invalid',
        `Cannot split "/${this.#path}": it has more than ${MAX_DIRECTORY_ENTRIES} pieces, the most that a directory holds; put more into each, by records or bytes (--target-file-datums, --target-file-bytes)`,
      );
    }
    const path = `${this.#path}/${pieceName(this.#piece)}`;
    pieces.push({ path, executable: this.#executable, data, first: !this.#started, last: false });
    this.#started = true;
    this.#onlyHeader = false;
  }

  /** Ends the open piece: its newest part, where that has not left yet, becomes the last. */
  #close(pieces: FilePart[]): void {
    const newest = pieces.at(-1);
    if (newest === undefined || newest.last) {
      this.#emit(NOTHING, pieces);
    }
    const final = pieces.pop();
    if (final) {
      pieces.push({ ...final, last: true });
    }
    this.#piece += 1;
    this.#started = false;
    this.#records = 0;
    this.#bytes = 0;
  }
}

const LINE_END = Buffer.from('\n');
const NOTHING = Buffer.alloc(0);
