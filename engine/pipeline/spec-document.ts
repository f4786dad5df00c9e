// One pipeline spec as its author wrote it, and where in the text each of its fields stands.

import { EngineError } from '../base/errors.ts';

/** How deep values may be nested in a spec: far deeper than anybody writes, and safe to recurse through. */
export const MAX_NESTING = 64;

/** The way to a field: names of fields and indexes of lists, from the top of the document. */
export type SpecPath = readonly (string | number)[];

/** A place in a text; both count from 1, columns in UTF-16 units. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

export interface SpecDocument {
  /** The name to show in messages. */
  readonly fileName: string;
  /** The author's own text of this document, comments included; stands alone as a file. */
  readonly text: string;
  /** The plain value, with the author's names of fields. */
  readonly value: unknown;
  /**
   * Returns where in the file the value at `path` begins, or, with `key`, the name before it. Where the path leads to
   * nothing, the nearest field above it is shown.
   */
  position(path: SpecPath, options?: { key?: boolean }): TextPosition;
}

/** Something wrong in a spec, at a field that is named as the author named it. */
export interface SpecProblem {
  readonly path: SpecPath;
  /** What is wrong and what would be right. */
  readonly message: string;
  /** True where the name of the field is at fault rather than its value. */
  readonly key?: boolean;
}

/** Turns offsets into lines and columns, for one text. */
export class LineIndex {
  readonly #text: string;
  readonly #starts: number[] = [0];

  constructor(text: string) {
    this.#text = text;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.#starts.push(at + 1);
    }
  }

  /** Returns the position of an offset in UTF-16 units. */
  position(offset: number): TextPosition {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }

  /** Returns the text of a line, counted from 1, without its end. */
  line(number: number): string {
    const start = this.#starts[number - 1] ?? 0;
    return this.#text.slice(start, this.#starts[number]).replace(/\r?\n$/, '');
  }
}

/** Writes a path as people write it: `input.cross[0].pfs.glob`; the top of the document is `spec`. */
export function pathText(path: SpecPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') {
      text += `[${part}]`;
    } else if (/^[\w-]+$/.test(part)) {
      text += text === '' ? part : `.${part}`;
    } else {
      text += `[${JSON.stringify(part)}]`;
    }
  }
  return text === '' ? 'spec' : text;
}

/**
 * Makes the one error that lists all problems of a document, each with file, line, column and field, in the order of
 * the text. Its details hold the `file`, `line`, `column` and `field` of the first.
 */
export function problemsError(
  document: SpecDocument,
  problems: readonly SpecProblem[],
  thing = 'pipeline spec',
): EngineError {
  const placed = problems
    .map((problem) => ({
      ...problem,
      ...document.position(problem.path, { key: problem.key ?? false }),
    }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
  const lines = new Set(
    placed.map(
      ({ line, column, path, message }) =>
        `${document.fileName}:${line}:${column}: ${pathText(path)}: ${message}`,
    ),
  );
  const count = lines.size === 1 ? 'one thing is' : `${lines.size} things are`;
  const first = placed[0];
  return new EngineError(
    'invalid',
    `Cannot use the ${thing} "${document.fileName}": ${count} wrong in it; correct it and try again\n  ${[...lines].join('\n  ')}`,
    {
      details: {
        file: document.fileName,
        line: first?.line ?? 1,
        column: first?.column ?? 1,
        field: pathText(first?.path ?? []),
      },
    },
  );
}
