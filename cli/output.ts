// What the command line prints: text and JSON to standard output, notes to standard error. Ends quietly when the reader leaves.

import { fileError } from './cli-error.ts';
import type { TimeStyle } from './format.ts';
import { displayWidth, renderFields, renderTable } from './table.ts';

/** The part of a stream that is written to. */
export interface Sink {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(data: string | Uint8Array, done?: (error?: Error | null) => void): boolean;
  once(event: 'drain' | 'close', listener: () => void): unknown;
  on?(event: 'resize', listener: () => void): unknown;
}

export interface OutputOptions {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Print JSON instead of text. */
  readonly raw: boolean;
  readonly color: boolean;
  readonly times: TimeStyle;
}

/** Writes to a stream; resolves when more may be written. Throws where the disk behind it is full, say. */
export async function writeTo(sink: Sink, data: string | Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    sink.write(data, (error) => {
      if (!error) {
        resolve();
      } else if ((error as NodeJS.ErrnoException).code !== 'EPIPE') {
        reject(fileError('write the output', error));
      }
      // A reader that has left ends the process, quietly.
    });
  });
}

/** Rows are aligned this many at a time, so that a long list starts at once. */
const BLOCK_ROWS = 1000;

const STATE_COLORS: Readonly<Record<string, number>> = {
  success: 32,
  finished: 32,
  running: 36,
  starting: 36,
  open: 36,
  created: 36,
  paused: 33,
  standby: 33,
  crashing: 31,
  failure: 31,
  failed: 31,
  error: 31,
  killed: 31,
  unrunnable: 31,
};

/** Standard output and standard error of one run. */
export class Output {
  readonly raw: boolean;
  readonly times: TimeStyle;
  readonly stderr: Sink;
  readonly #stdout: Sink;
  readonly #color: boolean;

  constructor(options: OutputOptions) {
    this.raw = options.raw;
    this.times = options.times;
    this.stderr = options.stderr;
    this.#stdout = options.stdout;
    this.#color = options.color;
  }

  /** The size of the terminal that standard output is; undefined where it is none. */
  get terminal(): { readonly columns: number; readonly rows: number } | undefined {
    const { isTTY, columns = 80, rows = 24 } = this.#stdout;
    return isTTY ? { columns, rows } : undefined;
  }

  /** Calls `changed` whenever the terminal of standard output gets another size. */
  onResize(changed: () => void): void {
    this.#stdout.on?.('resize', changed);
  }

  /** How wide the terminal is; 80 where there is none. */
  get columns(): number {
    return this.#stdout.columns ?? 80;
  }

  /** Writes bytes or text as they are; resolves when more may be written. */
  async write(data: string | Uint8Array): Promise<void> {
    await writeTo(this.#stdout, data);
  }

  /** Writes a line of text. */
  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }

  /** Writes one JSON document on a line. */
  async json(document: unknown): Promise<void> {
    await this.line(JSON.stringify(document));
  }

  /** Writes a line for the user beside the output. */
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  /** Writes a document as JSON, or as aligned fields. */
  async fields<T>(
    document: T,
    fields: (document: T) => readonly (readonly [string, string | undefined])[],
  ): Promise<void> {
    if (this.raw) {
      await this.json(document);
      return;
    }
    await this.line(this.paint(renderFields(fields(document)).join('\n')));
  }

  /** Writes a list as JSON lines, or as a table; a `live` one row by row, as items come. */
  async table<T>(
    items: AsyncIterable<T> | Iterable<T>,
    options: {
      readonly heading: readonly string[];
      readonly row: (item: T) => readonly string[];
      readonly live?: boolean;
    },
  ): Promise<void> {
    let rows: string[][] = [];
    let printed = false;
    const widths: number[] = [];
    const flush = async (): Promise<void> => {
      const [heading = '', ...lines] = renderTable(options.heading, rows, widths);
      const text = printed ? lines : [this.#bold(heading), ...lines];
      await this.line(this.paint(text.join('\n')));
      printed = true;
      rows = [];
    };
    for await (const item of items) {
      if (this.raw) {
        await this.json(item);
        continue;
      }
      rows.push([...options.row(item)]);
      if (rows.length >= (options.live ? 1 : BLOCK_ROWS)) {
        await flush();
      }
    }
    if (!this.raw && (rows.length > 0 || !(printed || options.live))) {
      await flush();
    }
  }

  /** Colours the states in a text, where colour is wanted. */
  paint(text: string): string {
    if (!this.#color) {
      return text;
    }
    return text.replace(/(?<=\s{2}|: +|^)([a-z]+)(?=\s{2}|$)/gm, (word) => {
      const color = STATE_COLORS[word];
      return color === undefined ? word : `\x1b[${color}m${word}\x1b[0m`;
    });
  }

  /** Colours the lines of a unified diff, where colour is wanted. */
  paintDiff(text: string): string {
    if (!this.#color) {
      return text;
    }
    return text.replace(/^(?:(diff |--- |\+\+\+ )|([-+@])).*$/gm, (line, head, sign) => {
      const color = head ? 1 : sign === '-' ? 31 : sign === '+' ? 32 : 36;
      return `\x1b[${color}m${line}\x1b[0m`;
    });
  }

  /** Cuts a text to the width of the terminal of standard error, where it is one. */
  fit(text: string): string {
    const columns = this.stderr.isTTY ? (this.stderr.columns ?? 80) : Infinity;
    let shown = text;
    while (displayWidth(shown) >= columns) {
      shown = shown.slice(0, -1);
    }
    return shown;
  }

  #bold(text: string): string {
    return this.#color ? `\x1b[1m${text}\x1b[0m` : text;
  }
}
