// Globs: which files and directories of a repo a pattern names, and which directories a walk need not read.
// Patterns are those of pipeline specs; nothing here reads a repo.
//
//   *  a run of characters but slashes      [abc] [a-z] [!a-z] [[:alpha:]]  one character but a slash
//   ** a run of any characters              {a,b}  either
//   ?  one character but a slash            (a|b) @(…) ?(…) *(…) +(…) !(…)  either; once, at most once, any times,
//   \x the character x                      at least once, anything else; these capture, numbered by opening bracket

import { type GlobNode, type GlobNodes, parseGlob, SLASH } from './glob-parser.ts';
import { GlobProgram } from './glob-program.ts';

/** A compiled pattern. Paths are whole, `/` is the root, and no other path ends in a slash. */
export interface Glob {
  /** As written. */
  readonly pattern: string;
  /** True where the pattern names one path: {@link literalPrefix}. */
  readonly isLiteral: boolean;
  /** The deepest directory that holds everything that can match, or the one path of a literal pattern. */
  readonly literalPrefix: string;
  /** How many groups capture. */
  readonly captureCount: number;
  /** Returns what the groups captured (empty text for one that took no part), or undefined for no match. */
  match(path: string): string[] | undefined;
  /** Returns whether anything below a directory may match. It may err to true where a pattern has `!(…)`. */
  mayMatchBelow(directory: string): boolean;
}

/**
 * Compiles a pattern. A slash is put before one that doesn't start with it; one at its end is dropped, since files
 * and directories match alike. Rejects with `invalid`, naming position and remedy, what is no pattern.
 */
export function compileGlob(pattern: string): Glob {
  const parsed = parseGlob(pattern);
  const nodes = toAbsolute(parsed.nodes);
  const program = new GlobProgram(nodes, parsed.captures);
  const expression = toRegExp(nodes);
  const matchesRoot = canBeEmpty(nodes.slice(1));
  const { prefix, isLiteral } = literalPart(nodes);
  return {
    pattern,
    isLiteral,
    literalPrefix: prefix,
    captureCount: parsed.captures,
    match: (path) => {
      if (isLiteral) {
        return path === prefix ? [] : undefined;
      }
      if (path === '/' && !matchesRoot) {
        return undefined;
      }
      if (expression) {
        const match = expression.exec(path);
        return match === null ? undefined : match.slice(1).map((text) => text ?? '');
      }
      return program.match(path);
    },
    mayMatchBelow: (directory) => program.mayExtend(directory === '/' ? '/' : `${directory}/`),
  };
}

/** Returns a text as the pattern that matches it alone. */
export function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]{}()|,!+@^]/g, '\\$&');
}

function toAbsolute(nodes: GlobNodes): GlobNodes {
  const slash: GlobNode = { kind: 'char', code: SLASH };
  const absolute = isSlash(nodes[0]) ? [...nodes] : [slash, ...nodes];
  while (absolute.length > 1 && isSlash(absolute.at(-1))) {
    absolute.pop();
  }
  return absolute;
}

function isSlash(node: GlobNode | undefined): boolean {
  return node?.kind === 'char' && node.code === SLASH;
}

/** Returns whether the root, which has no name, matches: names are not empty, so only `**` stands for none. */
function canBeEmpty(nodes: GlobNodes): boolean {
  return nodes.every(
    (node) =>
      node.kind === 'all' ||
      (node.kind === 'either' && node.branches.some(canBeEmpty)) ||
      (node.kind === 'group' && node.repeat !== '!' && node.branches.some(canBeEmpty)),
  );
}

function literalPart(nodes: GlobNodes): { prefix: string; isLiteral: boolean } {
  let text = '';
  for (const node of nodes) {
    if (node.kind !== 'char') {
      const end = text.lastIndexOf('/');
      return { prefix: end <= 0 ? '/' : text.slice(0, end), isLiteral: false };
    }
    text += String.fromCodePoint(node.code);
  }
  return { prefix: text, isLiteral: true };
}

/**
 * Returns the pattern as a regular expression, which is faster, where that can't take more than quadratic time: at
 * most two runs, and no group that repeats. Otherwise undefined.
 */
function toRegExp(nodes: GlobNodes): RegExp | undefined {
  let runs = 0;
  let isPlain = true;
  const source = (list: GlobNodes): string => list.map(part).join('');
  const part = (node: GlobNode): string => {
    switch (node.kind) {
      case 'char':
        return unit(node.code);
      case 'one':
        return '[^/]';
      case 'run':
        runs += 1;
        return '[^/]*';
      case 'all':
        runs += 1;
        return '[^]*';
      case 'class': {
        const ranges = node.class.ranges.map(([low, high]) => `${unit(low)}-${unit(high)}`);
        return `(?!/)[${node.class.negated ? '^' : ''}${ranges.join('')}]`;
      }
      case 'either':
        return `(?:${node.branches.map(source).join('|')})`;
      case 'group':
        isPlain &&= node.repeat === '@';
        return `(${node.branches.map(source).join('|')})`;
    }
  };
  const text = source(nodes);
  return isPlain && runs <= 2 ? new RegExp(`^${text}$`, 'u') : undefined;
}

function unit(code: number): string {
  return `\\u{${code.toString(16)}}`;
}
