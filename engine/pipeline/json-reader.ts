// Reads JSON as people write it: with comments, trailing commas, and several documents after one another. Keeps the
// place of every value. The grammar is RFC 8259 plus those three.

import { MAX_NESTING } from './spec-document.ts';

/** A value and where it stands, in offsets into the text. */
export interface JsonNode {
  readonly value: unknown;
  readonly start: number;
  readonly end: number;
  readonly members?: ReadonlyMap<string, { readonly keyStart: number; readonly node: JsonNode }>;
  readonly items?: readonly JsonNode[];
}

/** Ends the reading with a message about the text at an offset, and what to do about it. */
export type FailAt = (offset: number, message: string, remedy: string) => never;

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[\w$.+-]+/y;
const LITERALS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** Reads all documents of `text`; commas and `---` between them are skipped. Calls `fail` at the first error. */
export function readJsonDocuments(text: string, fail: FailAt): JsonNode[] {
  return new JsonReader(text, fail).documents();
}

class JsonReader {
  readonly #text: string;
  readonly #fail: FailAt;
  #at = 0;

  constructor(text: string, fail: FailAt) {
    this.#text = text;
    this.#fail = fail;
  }

  documents(): JsonNode[] {
    const documents: JsonNode[] = [];
    for (;;) {
      this.#skip();
      while (this.#text.startsWith('---', this.#at) || this.#text[this.#at] === ',') {
        this.#at += this.#text[this.#at] === ',' ? 1 : 3;
        this.#skip();
      }
      if (this.#at >= this.#text.length) {
        return documents;
      }
      documents.push(this.#value(0));
    }
  }

  #skip(): void {
    for (;;) {
      const char = this.#text[this.#at];
      if (char !== undefined && /[\s\ufeff]/.test(char)) {
        this.#at += 1;
      } else if (char === '#' || this.#text.startsWith('//', this.#at)) {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end < 0 ? this.#text.length : end;
      } else if (this.#text.startsWith('/*', this.#at)) {
        const end = this.#text.indexOf('*/', this.#at + 2);
        if (end < 0) {
          this.#fail(this.#at, 'the comment has no end', 'end it with */');
        }
        this.#at = end + 2;
      } else {
        return;
      }
    }
  }

  #value(depth: number): JsonNode {
    const start = this.#at;
    if (depth > MAX_NESTING) {
      this.#fail(start, `values are nested more than ${MAX_NESTING} deep`, 'write a flatter spec');
    }
    const char = this.#text[start];
    if (char === '{') return this.#object(depth);
    if (char === '[') return this.#array(depth);
    if (char === '"') return { value: this.#string(), start, end: this.#at };
    return this.#scalar(start);
  }

  #scalar(start: number): JsonNode {
    WORD.lastIndex = start;
    const word = WORD.exec(this.#text)?.[0] ?? '';
    const end = start + word.length;
    if (LITERALS.has(word)) {
      this.#at = end;
      return { value: LITERALS.get(word), start, end };
    }
    NUMBER.lastIndex = start;
    if (word !== '' && NUMBER.exec(this.#text)?.[0] === word) {
      this.#at = end;
      return { value: Number(word), start, end };
    }
    if (start >= this.#text.length) {
      return this.#fail(start, 'the text ends where a value is expected', 'complete the spec');
    }
    const shown = this.#text[start] === "'" ? 'single quotes' : this.#shown(start, word);
    return this.#fail(start, `expected a value, got ${shown}`, 'put text into double quotes');
  }

  #object(depth: number): JsonNode {
    const start = this.#at;
    const value: Record<string, unknown> = {};
    const members = new Map<string, { keyStart: number; node: JsonNode }>();
    this.#at += 1;
    for (this.#skip(); this.#text[this.#at] !== '}'; this.#next('}', start)) {
      const keyStart = this.#at;
      const key = this.#key(start);
      if (members.has(key)) {
        this.#fail(keyStart, `the field "${key}" is here for the second time`, 'keep one of them');
      }
      this.#skip();
      if (this.#text[this.#at] !== ':') {
        this.#fail(
          this.#at,
          `expected ":" after the name "${key}"`,
          'write "name": value for each field',
        );
      }
      this.#at += 1;
      this.#skip();
      const node = this.#value(depth + 1);
      members.set(key, { keyStart, node });
      // A plain assignment to `__proto__` would change the object instead of filling it.
      Object.defineProperty(value, key, {
        value: node.value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    this.#at += 1;
    return { value, start, end: this.#at, members };
  }

  #array(depth: number): JsonNode {
    const start = this.#at;
    const items: JsonNode[] = [];
    this.#at += 1;
    for (this.#skip(); this.#text[this.#at] !== ']'; this.#next(']', start)) {
      items.push(this.#value(depth + 1));
    }
    this.#at += 1;
    return { value: items.map((item) => item.value), start, end: this.#at, items };
  }

  /** Goes over the comma between two values, or stays before the closing bracket. */
  #next(close: string, open: number): void {
    const end = this.#at;
    this.#skip();
    if (this.#text[this.#at] === ',') {
      this.#at += 1;
      this.#skip();
    } else if (this.#text[this.#at] !== close) {
      this.#unclosed(open);
      this.#fail(
        end,
        `expected "," or "${close}", got ${this.#shown(this.#at)}`,
        'put a comma between values',
      );
    }
    this.#unclosed(open);
  }

  #unclosed(open: number): void {
    if (this.#at >= this.#text.length) {
      const bracket = this.#text[open] ?? '';
      this.#fail(
        open,
        `"${bracket}" is never closed`,
        `add the missing "${bracket === '{' ? '}' : ']'}"`,
      );
    }
  }

  #key(open: number): string {
    this.#unclosed(open);
    if (this.#text[this.#at] !== '"') {
      this.#fail(
        this.#at,
        `expected the name of a field, got ${this.#shown(this.#at)}`,
        'put names into double quotes',
      );
    }
    return this.#string();
  }

  #string(): string {
    const start = this.#at;
    let at = start + 1;
    for (let char = this.#text[at]; char !== '"'; char = this.#text[at]) {
      if (char === undefined || char === '\n') {
        this.#fail(
          start,
          'the text in quotes does not end on its line',
          'add the closing quote, and write \\n for a line break',
        );
      }
      at += char === '\\' ? 2 : 1;
    }
    this.#at = at + 1;
    const slice = this.#text.slice(start, this.#at);
    try {
      return JSON.parse(slice) as string;
    } catch {
      const bad = /\\(?!["\\/bfnrt]|u[\da-fA-F]{4})|[^ -\uffff]/.exec(
        slice.replaceAll('\\\\', '  '),
      );
      return this.#fail(
        start + (bad?.index ?? 0),
        'the text in quotes holds a character or escape that JSON does not know',
        'write \\\\ for a backslash and \\t for a tab',
      );
    }
  }

  #shown(offset: number, word = ''): string {
    WORD.lastIndex = offset;
    const text = word || (WORD.exec(this.#text)?.[0] ?? this.#text[offset] ?? '');
    return text === '' ? 'the end of the text' : `"${text.slice(0, 40)}"`;
  }
}
