// Tables out of text in which values stand between separators (RFC 4180, and what is usual beside it), piece by piece.

/** Reads rows from text that comes in pieces. */
export class TableParser {
  readonly #separator: string;
  #row: string[] = [];
  #value = '';
  /** Inside of quotes; or right after the quote that may end them. */
  #state: 'plain' | 'quoted' | 'closing' = 'plain';
  #sawReturn = false;

  constructor(separator: string) {
    this.#separator = separator;
  }

  /** Takes the next piece and returns the rows that it completes. */
  push(text: string): string[][] {
    const rows: string[][] = [];
    let from = 0;
    const take = (to: number) => {
      this.#value += text.slice(from, to);
      from = to + 1;
    };
    for (let at = 0; at < text.length; at += 1) {
      const sign = text[at];
      if (this.#sawReturn) {
        this.#sawReturn = false;
        if (sign === '\n') {
          from = at + 1;
          continue;
        }
      }
      if (this.#state === 'quoted') {
        if (sign === '"') {
          take(at);
          this.#state = 'closing';
        }
        continue;
      }
      if (this.#state === 'closing') {
        this.#state = 'plain';
        if (sign === '"') {
          // Two of them are one.
          from = at;
          this.#state = 'quoted';
          continue;
        }
      }
      if (sign === '"' && this.#value === '' && from === at) {
        this.#state = 'quoted';
        from = at + 1;
      } else if (sign === this.#separator) {
        take(at);
        this.#endValue();
      } else if (sign === '\n' || sign === '\r') {
        take(at);
        this.#endValue();
        rows.push(this.#row);
        this.#row = [];
        this.#sawReturn = sign === '\r';
      }
    }
    this.#value += text.slice(from);
    return rows;
  }

  /** Returns the row that no line feed ends, if there is one. */
  end(): string[][] {
    if (this.#row.length === 0 && this.#value === '' && this.#state === 'plain') {
      return [];
    }
    this.#endValue();
    const row = this.#row;
    this.#row = [];
    this.#state = 'plain';
    return [row];
  }

  #endValue(): void {
    this.#row.push(this.#value);
    this.#value = '';
  }
}

/** Returns what separates the values of a table: of those that are usual, the one that its first line has most of. */
export function separatorOf(name: string, head: string): string {
  if (/\.(?:tsv|tab)$/i.test(name)) {
    return '\t';
  }
  const [line = ''] = head.replace(/"(?:[^"]|"")*"/g, '').split(/\r?\n/, 1);
  const counts = [',', ';', '\t', '|'].map((sign) => [sign, line.split(sign).length] as const);
  return counts.reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}

/** Returns for each column whether all of its values are numbers, so that they are set flush right. */
export function numericColumns(rows: readonly (readonly string[])[]): boolean[] {
  const width = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: width }, (_, column) => {
    const values = rows.flatMap((row) => (row[column] ?? '') || []);
    return values.length > 0 && values.every((value) => /^-?[\d.,]+(?:e[-+]?\d+)?%?$/i.test(value));
  });
}

/** Returns whether the first row names the columns: it has no numbers where the rows below have some, or all are words. */
export function hasHeading(rows: readonly (readonly string[])[]): boolean {
  const [first, ...rest] = rows;
  if (!first || rest.length === 0) {
    return false;
  }
  const isNumber = numericColumns([first]);
  return !isNumber.includes(true) && new Set(first).size === first.length;
}
