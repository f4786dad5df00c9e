// Rows out of files: CSV as RFC 4180 has it, and JSON objects. Files stream through; one row is held at a time.

import { EngineError } from '../base/errors.ts';
import { type JsonText, JsonValues } from './json-values.ts';

/** A value as databases take it; text is turned into the type of its column by the database itself. */
export type Value = string | boolean | null;

/** One row: values in the order of `columns`; undefined where the file does not name them. */
export interface Row {
  readonly columns: readonly string[] | undefined;
  readonly values: readonly Value[];
}

export type RowFormat = 'CSV' | 'JSON';

const MAX_ROW_CHARS = 64 * 1024 * 1024;

/**
 * Yields the rows of a file. `columns` says which columns there are; of a JSON object only those are taken then. Rejects with
 * `invalid` what is no row, naming the file and, as far as it is known, the line.
 */
export function rowsOf(
  source: AsyncIterable<Buffer>,
  options: {
    readonly format: RowFormat;
    readonly name: string;
    readonly columns: readonly string[] | undefined;
  },
): AsyncGenerator<Row> {
  return options.format === 'CSV' ? csvRows(source, options) : jsonRows(source, options);
}

interface Naming {
  readonly name: string;
  readonly columns: readonly string[] | undefined;
}

async function* csvRows(
  source: AsyncIterable<Buffer>,
  { name, columns }: Naming,
): AsyncGenerator<Row> {
  const parser = new CsvParser(name);
  for await (const text of decoded(source, name)) {
    for (const values of parser.push(text)) {
      yield { columns, values };
    }
  }
  for (const values of parser.end()) {
    yield { columns, values };
  }
}

/** An unquoted empty field is null, a quoted one is empty text: as PostgreSQL's COPY has it. */
class CsvParser {
  readonly #name: string;
  #line = 1;
  #row: Value[] = [];
  #field = '';
  #state: 'start' | 'plain' | 'quoted' | 'closing' = 'start';
  #chars = 0;

  constructor(name: string) {
    this.#name = name;
  }

  *push(text: string): Generator<Value[]> {
    for (const char of text) {
      this.#chars += char.length;
      if (this.#chars > MAX_ROW_CHARS) {
        throw notRow(this.#name, this.#line, 'the row is longer than 64 MiB');
      }
      if (char === '\n') {
        this.#line += 1;
      }
      if (this.#state === 'quoted') {
        if (char === '"') {
          this.#state = 'closing';
        } else {
          this.#field += char;
        }
      } else if (this.#state === 'closing' && char === '"') {
        this.#field += '"';
        this.#state = 'quoted';
      } else if (char === ',') {
        this.#endField();
      } else if (char === '\n') {
        yield* this.#endRow();
      } else if (char === '"' && this.#state === 'start') {
        this.#state = 'quoted';
      } else if (this.#state === 'closing') {
        if (char !== '\r') {
          throw notRow(this.#name, this.#line, 'something follows a closing quote');
        }
      } else {
        this.#field += char;
        this.#state = 'plain';
      }
    }
  }

  *end(): Generator<Value[]> {
    if (this.#state === 'quoted') {
      throw notRow(this.#name, this.#line, 'the file ends within quotes');
    }
    yield* this.#endRow();
  }

  #endField(): void {
    const text = this.#field;
    this.#row.push(this.#state === 'start' ? null : text);
    this.#field = '';
    this.#state = 'start';
  }

  *#endRow(): Generator<Value[]> {
    if (this.#state === 'plain' && this.#field.endsWith('\r')) {
      this.#field = this.#field.slice(0, -1);
      this.#state = this.#field === '' ? 'start' : 'plain';
    }
    const isBlank = this.#row.length === 0 && this.#state === 'start';
    this.#chars = 0;
    if (isBlank) {
      return;
    }
    this.#endField();
    const row = this.#row;
    this.#row = [];
    yield row;
  }
}

async function* jsonRows(source: AsyncIterable<Buffer>, naming: Naming): AsyncGenerator<Row> {
  const { name } = naming;
  const values = new JsonValues();
  for await (const text of ended(decoded(source, name))) {
    for (const value of values.push(text)) {
      yield* jsonValue(parse(value, name), { ...naming, line: value.line });
    }
    if (values.openLength > MAX_ROW_CHARS) {
      throw notRow(name, values.openLine ?? 1, 'the value is longer than 64 MiB');
    }
  }
  if (values.openLine !== undefined) {
    throw notRow(name, values.openLine, 'the file ends within a JSON value');
  }
}

function* jsonValue(value: unknown, place: Naming & { readonly line: number }): Generator<Row> {
  if (Array.isArray(value)) {
    for (const one of value as unknown[]) {
      yield* jsonValue(one, place);
    }
    return;
  }
  const { name, line, columns } = place;
  if (typeof value !== 'object' || value === null) {
    throw notRow(name, line, 'it is no object, such as {"column": "value"}');
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const names = columns ?? Object.keys(fields);
  yield { columns: names, values: names.map((column) => asValue(fields[column])) };
}

function asValue(value: unknown): Value {
  if (value === null || value === undefined) {
    return null;
  }
  if (typeof value === 'boolean') {
    return value;
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A string or a number, each whole: the digits of a fraction are no integer. */
const SCALARS = /"(?:[^"\\]|\\.)*"|-?\d+(?:[.eE][-+.eE\d]*)?/g;

function parse({ text, line }: JsonText, name: string): unknown {
  if (/\d{16}/.test(text)) {
    for (const [token] of text.matchAll(SCALARS)) {
      if (/^-?\d{16,}$/.test(token) && String(Number(token)) !== token) {
        throw notRow(
          name,
          line,
          'it holds an integer that is too long to be read digit by digit; write it in quotes',
        );
      }
    }
  }
  const value = tryParse(text);
  if (value === undefined) {
    throw notRow(name, line, 'it is no JSON');
  }
  return value;
}

/** Returns undefined for what is no JSON: the cause would quote the row. */
function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function* decoded(source: AsyncIterable<Buffer>, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Buffer) => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch (error) {
      throw notText(name, error);
    }
  };
  for await (const bytes of source) {
    yield decode(bytes);
  }
  yield decode();
}

async function* ended(source: AsyncIterable<string>): AsyncGenerator<string> {
  yield* source;
  yield '\n';
}

/** No message quotes a row: it may hold what nobody should see in a log. */
function notRow(name: string, line: number, why: string): EngineError {
  return new EngineError('invalid', `Cannot read rows of "/${name}": line ${line}: ${why}`);
}

function notText(name: string, cause: unknown): EngineError {
  return new EngineError(
    'invalid',
    `Cannot read rows of "/${name}": it is not UTF-8; write it as UTF-8`,
    { cause },
  );
}
