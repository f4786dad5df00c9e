// Where records end in a stream of lines, JSON values or CSV rows. Scanners see each byte once and keep none.

import { EngineError } from '../base/errors.ts';

export type RecordFormat = 'line' | 'json' | 'csv';

/** Finds the ends of records, piece of the stream by piece. */
export interface RecordScanner {
  /**
   * Returns the index behind the end of the first record that ends in `bytes` at or after `from`, or -1 where none does:
   * the record then goes on in the next piece.
   */
  next(bytes: Uint8Array, from: number): number;
  /** Rejects with `invalid` when the stream may not end where it did. */
  end(): void;
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;

/** Returns a scanner for one stream. */
export function newScanner(format: RecordFormat, name: string): RecordScanner {
  switch (format) {
    case 'line':
      return LINES;
    case 'json':
      return new JsonScanner(name);
    case 'csv':
      return new CsvScanner(name);
    default: {
      const unknown: never = format;
      return unknown;
    }
  }
}

const LINES: RecordScanner = {
  next: (bytes, from) => bytes.indexOf(NEWLINE, from) + 1 || -1,
  end: () => undefined,
};

/** A row ends at a line's end outside quotes. A quote opens a field only where a field begins; any of , ; tab | parts fields. */
class CsvScanner implements RecordScanner {
  readonly #name: string;
  #inQuotes = false;
  #atStart = true;

  constructor(name: string) {
    this.#name = name;
  }

  next(bytes: Uint8Array, from: number): number {
    for (let i = from; i < bytes.length; i++) {
      const byte = bytes[i];
      if (this.#inQuotes) {
        // Of a doubled quote the second opens the field again.
        this.#inQuotes = byte !== QUOTE;
        this.#atStart = byte === QUOTE;
      } else if (byte === QUOTE && this.#atStart) {
        this.#inQuotes = true;
      } else if (byte === NEWLINE) {
        this.#atStart = true;
        return i + 1;
      } else {
        this.#atStart = byte === 0x2c || byte === 0x3b || byte === 0x09 || byte === 0x7c;
      }
    }
    return -1;
  }

  end(): void {
    if (this.#inQuotes) {
      throw notWhole(this.#name, 'the CSV ends within a quoted field');
    }
  }
}

/**
 * One value after the other, with or without space between them. Brackets and strings are followed; what is in them is
 * stored as it is, not checked.
 */
class JsonScanner implements RecordScanner {
  readonly #name: string;
  /** Closing brackets that are due, innermost last. */
  readonly #due: number[] = [];
  #inString = false;
  #escaped = false;
  #inScalar = false;

  constructor(name: string) {
    this.#name = name;
  }

  next(bytes: Uint8Array, from: number): number {
    for (let i = from; i < bytes.length; i++) {
      const byte = bytes[i] ?? 0;
      if (this.#inString) {
        if (this.#escaped) {
          this.#escaped = false;
        } else if (byte === 0x5c) {
          this.#escaped = true;
        } else if (byte === QUOTE) {
          this.#inString = false;
          if (this.#due.length === 0) {
            return i + 1;
          }
        }
        continue;
      }
      if (this.#inScalar && (isSpace(byte) || OPENING.has(byte) || byte === QUOTE)) {
        this.#inScalar = false;
        return i;
      }
      if (byte === QUOTE) {
        this.#inString = true;
      } else if (OPENING.has(byte)) {
        this.#open(OPENING.get(byte) ?? 0);
      } else if (byte === 0x7d || byte === 0x5d) {
        if (this.#due.pop() !== byte) {
          throw notWhole(this.#name, 'the brackets of the JSON do not match');
        }
        if (this.#due.length === 0) {
          return i + 1;
        }
      } else if (this.#due.length === 0 && !isSpace(byte)) {
        if (!SCALAR.test(String.fromCharCode(byte))) {
          throw notWhole(this.#name, 'what stands between its JSON values is no value');
        }
        this.#inScalar = true;
      }
    }
    return -1;
  }

  end(): void {
    if (this.#inString || this.#due.length > 0) {
      throw notWhole(this.#name, 'the JSON ends within a value');
    }
  }

  #open(closing: number): void {
    if (this.#due.length >= MAX_DEPTH) {
      throw notWhole(this.#name, `the JSON is nested more than ${MAX_DEPTH} deep`);
    }
    this.#due.push(closing);
  }
}

const MAX_DEPTH = 10_000;
/** What numbers, true, false and null are made of. */
const SCALAR = /[\w.+-]/;
const OPENING = new Map([
  [0x7b, 0x7d],
  [0x5b, 0x5d],
]);

/** Returns whether a byte is white space in JSON. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09;
}

function notWhole(name: string, why: string): EngineError {
  return new EngineError('invalid', `Cannot split "/${name}": ${why}; nothing was stored`);
}
