// Text out of bytes as they come: its lines, or whatever else is made of it.

import type { ContentReader } from './content.ts';
import type { FileNature } from './file-kind.ts';
import { separatorOf, TableParser } from './table-parser.ts';

/** Returns a reader of lines, without their ends. */
export function linesReader(encoding: FileNature['encoding']): ContentReader<readonly string[]> {
  const decoder = new TextDecoder(encoding);
  const lines: string[] = [];
  let rest = '';
  return {
    value: lines,
    push: (bytes, isLast) => {
      const parts = (rest + decoder.decode(bytes, { stream: !isLast })).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        lines.push(part.endsWith('\r') ? part.slice(0, -1) : part);
      }
      if (isLast && rest !== '') {
        lines.push(rest);
      }
    },
  };
}

/** Returns a reader of the rows of a table. */
export function tableReader(
  name: string,
  encoding: FileNature['encoding'],
): ContentReader<readonly (readonly string[])[]> {
  const decoder = new TextDecoder(encoding);
  const rows: string[][] = [];
  let parser: TableParser | undefined;
  return {
    value: rows,
    push: (bytes, isLast) => {
      const text = decoder.decode(bytes, { stream: !isLast });
      parser ??= new TableParser(separatorOf(name, text.slice(0, 10_000)));
      for (const row of parser.push(text)) {
        rows.push(row);
      }
      if (isLast) {
        rows.push(...parser.end());
      }
    },
  };
}

/** Returns a reader of the bytes themselves. */
export function bytesReader(size: number): ContentReader<{ readonly bytes: Uint8Array }> {
  let all = new Uint8Array();
  const value = {
    get bytes() {
      return all;
    },
  };
  return {
    value,
    push: (bytes) => {
      const joined = new Uint8Array(Math.min(size, all.length + bytes.length));
      joined.set(all);
      joined.set(bytes, all.length);
      all = joined;
    },
  };
}
