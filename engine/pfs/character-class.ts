// Classes of characters in globs, as ranges of code points: those of POSIX, and what is in a class.

/** The first and the last code point of a range. */
export type CodeRange = readonly [number, number];

/** Ranges of code points, both ends included. Never matches a slash, negated or not. */
export interface CharacterClass {
  readonly negated: boolean;
  readonly ranges: readonly CodeRange[];
}

/** The classes of POSIX, over ASCII. */
const POSIX: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  alnum: [
    ['0', '9'],
    ['A', 'Z'],
    ['a', 'z'],
  ],
  alpha: [
    ['A', 'Z'],
    ['a', 'z'],
  ],
  ascii: [['\0', '\x7f']],
  blank: [
    ['\t', '\t'],
    [' ', ' '],
  ],
  cntrl: [
    ['\0', '\x1f'],
    ['\x7f', '\x7f'],
  ],
  digit: [['0', '9']],
  graph: [['!', '~']],
  lower: [['a', 'z']],
  print: [[' ', '~']],
  punct: [
    ['!', '/'],
    [':', '@'],
    ['[', '`'],
    ['{', '~'],
  ],
  space: [
    ['\t', '\r'],
    [' ', ' '],
  ],
  upper: [['A', 'Z']],
  word: [
    ['0', '9'],
    ['A', 'Z'],
    ['_', '_'],
    ['a', 'z'],
  ],
  xdigit: [
    ['0', '9'],
    ['A', 'F'],
    ['a', 'f'],
  ],
};

/** Names the classes of POSIX. */
export function posixNames(): readonly string[] {
  return Object.keys(POSIX);
}

/** Returns the ranges of a class of POSIX, sorted; undefined where none is called so. */
export function posixRanges(name: string): readonly CodeRange[] | undefined {
  const ranges = Object.hasOwn(POSIX, name) ? POSIX[name] : undefined;
  return ranges?.map(([low, high]) => [codeOf(low), codeOf(high)]);
}

/** Returns all code points that are in none of the sorted ranges. */
export function complement(ranges: readonly CodeRange[]): CodeRange[] {
  const rest: CodeRange[] = [];
  let from = 0;
  for (const [low, high] of ranges) {
    if (low > from) {
      rest.push([from, low - 1]);
    }
    from = high + 1;
  }
  rest.push([from, 0x10ffff]);
  return rest;
}

/** Returns whether a class holds a code point. */
export function inClass({ negated, ranges }: CharacterClass, code: number): boolean {
  return ranges.some(([low, high]) => low <= code && code <= high) !== negated;
}

/** Returns the code point of a character. */
export function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}
