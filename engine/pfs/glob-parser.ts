// The grammar of globs: from the text of a pattern to its parts, with errors that say where and what.

import { EngineError } from '../base/errors.ts';
import {
  type CharacterClass,
  type CodeRange,
  codeOf,
  complement,
  posixNames,
  posixRanges,
} from './character-class.ts';

/** How often a group repeats: `@(…)` and `(…)` once, the others as in extended globs; `!(…)` is anything else. */
export type GroupKind = '@' | '?' | '*' | '+' | '!';

/** One part of a pattern. */
export type GlobNode =
  | { readonly kind: 'char'; readonly code: number }
  /** `?`: one character but a slash. */
  | { readonly kind: 'one' }
  /** `*`: a run of characters but slashes. */
  | { readonly kind: 'run' }
  /** `**`: a run of any characters. */
  | { readonly kind: 'all' }
  | { readonly kind: 'class'; readonly class: CharacterClass }
  /** `{a,b}`. */
  | { readonly kind: 'either'; readonly branches: readonly GlobNodes[] }
  /** `(a|b)` and the like. `index` counts captures from 1, in the order of their opening brackets. */
  | {
      readonly kind: 'group';
      readonly repeat: GroupKind;
      readonly index: number;
      readonly branches: readonly GlobNodes[];
    };

export type GlobNodes = readonly GlobNode[];

/** A pattern taken apart. */
export interface ParsedGlob {
  readonly nodes: GlobNodes;
  readonly captures: number;
}

/** The longest pattern, in characters. */
const MAX_GLOB_LENGTH = 1000;
const MAX_DEPTH = 32;
export const SLASH = 0x2f;
const REPEATS: ReadonlySet<string> = new Set(['?', '*', '+', '@', '!']);

/** Takes a pattern apart; `invalid` with the position and the remedy where it can't be. */
export function parseGlob(pattern: string): ParsedGlob {
  const parser = new Parser(pattern);
  return parser.parse();
}

class Parser {
  readonly #pattern: string;
  readonly #text: readonly string[];
  #at = 0;
  #captures = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#text = [...pattern];
  }

  parse(): ParsedGlob {
    if (this.#text.length > MAX_GLOB_LENGTH) {
      throw this.#error(MAX_GLOB_LENGTH, `it is longer than ${MAX_GLOB_LENGTH} characters`);
    }
    const nodes = this.#sequence('');
    return { nodes, captures: this.#captures };
  }

  /** Reads parts up to the end, or up to a separator or the end of the group that `group` opened. */
  #sequence(group: '' | '{' | '('): GlobNode[] {
    const nodes: GlobNode[] = [];
    for (;;) {
      const char = this.#text[this.#at];
      if (
        char === undefined ||
        (group === '{' && (char === ',' || char === '}')) ||
        (group === '(' && (char === '|' || char === ')'))
      ) {
        return nodes;
      }
      nodes.push(this.#node(char));
    }
  }

  #node(char: string): GlobNode {
    const start = this.#at;
    const next = this.#text[start + 1];
    if (REPEATS.has(char) && next === '(') {
      this.#at += 2;
      return this.#group(start, char as GroupKind);
    }
    this.#at += 1;
    switch (char) {
      case '(':
        return this.#group(start, '@');
      case '{':
        return { kind: 'either', branches: this.#branches(start, '{') };
      case '[':
        return { kind: 'class', class: this.#class(start) };
      case '?':
        return { kind: 'one' };
      case '*':
        return this.#stars();
      case '\\':
        return { kind: 'char', code: this.#escaped(start) };
      case ')':
      case '}':
        throw this.#error(
          start,
          `"${char}" closes nothing; write "\\${char}" for the character itself`,
        );
      default:
        return { kind: 'char', code: codeOf(char) };
    }
  }

  #stars(): GlobNode {
    // Of stars before a bracket the last one belongs to the bracket: `**(a)` is `*` and `*(a)`.
    if (this.#text[this.#at] === '*' && this.#text[this.#at + 1] !== '(') {
      this.#at += 1;
      return { kind: 'all' };
    }
    return { kind: 'run' };
  }

  #group(start: number, repeat: GroupKind): GlobNode {
    this.#captures += 1;
    const index = this.#captures;
    return { kind: 'group', repeat, index, branches: this.#branches(start, '(') };
  }

  #branches(start: number, open: '{' | '('): GlobNode[][] {
    const close = open === '{' ? '}' : ')';
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) {
      throw this.#error(start, `brackets are nested more than ${MAX_DEPTH} deep`);
    }
    const branches: GlobNode[][] = [];
    for (;;) {
      branches.push(this.#sequence(open));
      const end = this.#text[this.#at];
      this.#at += 1;
      if (end === undefined) {
        throw this.#error(
          start,
          `"${open}" is never closed by "${close}"; write "\\${open}" for the character itself`,
        );
      }
      if (end === close) {
        this.#depth -= 1;
        return branches;
      }
    }
  }

  #class(start: number): CharacterClass {
    const negated = this.#text[this.#at] === '!' || this.#text[this.#at] === '^';
    if (negated) {
      this.#at += 1;
    }
    const ranges: CodeRange[] = [];
    for (let isFirst = true; ; isFirst = false) {
      const char = this.#text[this.#at];
      if (char === undefined) {
        throw this.#error(
          start,
          '"[" is never closed by "]"; write "\\[" for the character itself',
        );
      }
      if (char === ']' && !isFirst) {
        this.#at += 1;
        return { negated, ranges };
      }
      if (char === '[' && this.#text[this.#at + 1] === ':') {
        ranges.push(...this.#posix());
      } else {
        ranges.push(this.#range());
      }
    }
  }

  #range(): CodeRange {
    const start = this.#at;
    const low = this.#classChar();
    const isRange =
      this.#text[this.#at] === '-' && ![undefined, ']'].includes(this.#text[this.#at + 1]);
    if (!isRange) {
      return [low, low];
    }
    this.#at += 1;
    const high = this.#classChar();
    if (high < low) {
      const text = this.#text.slice(start, this.#at).join('');
      throw this.#error(start, `the range "${text}" ends before it begins`);
    }
    return [low, high];
  }

  #classChar(): number {
    const start = this.#at;
    this.#at += 1;
    const char = this.#text[start] ?? '';
    return char === '\\' ? this.#escaped(start) : codeOf(char);
  }

  #posix(): readonly CodeRange[] {
    const start = this.#at;
    const rest = this.#text.slice(start).join('');
    const match = /^\[:(\^?)([a-z]*):\]/.exec(rest);
    const ranges = posixRanges(match?.[2] ?? '');
    if (!match || !ranges) {
      const known = posixNames().join(', ');
      throw this.#error(start, `no such class; there are ${known}, written like [[:alpha:]]`);
    }
    this.#at += match[0].length;
    return match[1] === '^' ? complement(ranges) : ranges;
  }

  #escaped(start: number): number {
    const char = this.#text[this.#at];
    if (char === undefined) {
      throw this.#error(start, 'it ends in "\\"; write "\\\\" for the character itself');
    }
    this.#at += 1;
    return codeOf(char);
  }

  #error(at: number, problem: string): EngineError {
    const shown = this.#text.length > 120 ? `${this.#text.slice(0, 120).join('')}…` : this.#pattern;
    return new EngineError(
      'invalid',
      `Cannot use the glob "${shown}": at character ${at + 1}, ${problem}`,
      { details: { position: at + 1 } },
    );
  }
}
