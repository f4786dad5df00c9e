// Globs as programs for a small matching machine. It tries each place of the program at each place of the path at
// most once, so that no pattern, however nested, takes more than (pattern × path) steps; negations add one factor.

import { inClass } from './character-class.ts';
import { type GlobInstruction, instructionsOf } from './glob-instructions.ts';
import { type GlobNodes, SLASH } from './glob-parser.ts';

/** A pattern ready to run. */
export class GlobProgram {
  readonly #code: readonly GlobInstruction[];
  readonly #captures: number;

  constructor(nodes: GlobNodes, captures: number) {
    this.#captures = captures;
    this.#code = instructionsOf(nodes);
  }

  /** Returns what the groups captured, longest first as written, or undefined when `path` doesn't match. */
  match(path: string): string[] | undefined {
    const codes = codePoints(path);
    const slots = this.#search(codes);
    if (!slots) {
      return undefined;
    }
    const captures: string[] = [];
    for (let group = 0; group < this.#captures; group++) {
      const start = slots[group * 2] ?? -1;
      const end = slots[group * 2 + 1] ?? -1;
      captures.push(
        start < 0 || end < start ? '' : String.fromCodePoint(...codes.slice(start, end)),
      );
    }
    return captures;
  }

  /** Returns whether some path that starts with `prefix`, and is longer, may match. */
  mayExtend(prefix: string): boolean {
    const codes = codePoints(prefix);
    let alive = false;
    this.#simulate(codes, { from: 0, isPrefix: true }, (instruction, at) => {
      alive ||= at === codes.length && instruction.op !== 'match';
    });
    return alive;
  }

  /** Searches depth first, what is written first being tried first; returns the positions of the captures. */
  #search(codes: readonly number[]): number[] | undefined {
    const width = codes.length + 1;
    const seen = new Uint8Array(this.#code.length * width);
    const slots: number[] = new Array<number>(this.#captures * 2).fill(-1);
    // Pairs (place in the program, place in the path); a negative first restores a capture to the second.
    const stack: number[] = [0, 0];
    while (stack.length > 0) {
      let at = stack.pop() ?? 0;
      let pc = stack.pop() ?? 0;
      if (pc < 0) {
        slots[-1 - pc] = at;
        continue;
      }
      for (;;) {
        const instruction = this.#code[pc];
        if (!instruction || seen[pc * width + at] === 1) {
          break;
        }
        seen[pc * width + at] = 1;
        if (instruction.op === 'match') {
          if (at === codes.length) {
            return slots;
          }
          break;
        }
        if (instruction.op === 'split') {
          stack.push(instruction.second, at);
          pc = instruction.first;
        } else if (instruction.op === 'jump') {
          pc = instruction.to;
        } else if (instruction.op === 'save') {
          stack.push(-1 - instruction.slot, slots[instruction.slot] ?? -1);
          slots[instruction.slot] = at;
          pc += 1;
        } else if (instruction.op === 'other') {
          const ends = this.#otherEnds(codes, { body: instruction.body, at });
          for (const end of ends) {
            stack.push(instruction.to, end);
          }
          break;
        } else if (consumes(instruction, codes[at])) {
          pc += 1;
          at += 1;
        } else {
          break;
        }
      }
    }
    return undefined;
  }

  /** Returns where runs from `at` end that the body doesn't match, the shortest first. */
  #otherEnds(codes: readonly number[], from: { body: number; at: number }): number[] {
    const { body, at } = from;
    let limit = codes.indexOf(SLASH, at);
    limit = limit < 0 ? codes.length : limit;
    const run = codes.slice(at, limit);
    const matched = new Set<number>();
    this.#simulate(run, { from: body, isPrefix: false }, (instruction, end) => {
      if (instruction.op === 'match') {
        matched.add(end);
      }
    });
    const ends: number[] = [];
    for (let end = 0; end <= run.length; end++) {
      if (!matched.has(end)) {
        ends.push(at + end);
      }
    }
    return ends;
  }

  /**
   * Follows all ways at once, from place `from` of the program and the start of `codes`, and shows each place
   * where a character would be consumed or a match ends. With `isPrefix` negations count as any run: more ways, never fewer.
   */
  #simulate(
    codes: readonly number[],
    options: { from: number; isPrefix: boolean },
    visit: (instruction: GlobInstruction, at: number) => void,
  ): void {
    const { from, isPrefix } = options;
    const waiting: number[][] = Array.from({ length: codes.length + 1 }, () => []);
    waiting[0]?.push(from);
    for (let at = 0; at <= codes.length; at++) {
      const seen = new Set<number>();
      const stack = waiting[at] ?? [];
      for (let pc = stack.pop(); pc !== undefined; pc = stack.pop()) {
        const instruction = this.#code[pc];
        if (!instruction || seen.has(pc)) {
          continue;
        }
        seen.add(pc);
        if (instruction.op === 'split') {
          stack.push(instruction.second, instruction.first);
        } else if (instruction.op === 'jump') {
          stack.push(instruction.to);
        } else if (instruction.op === 'save') {
          stack.push(pc + 1);
        } else if (instruction.op === 'other') {
          if (isPrefix) {
            visit(instruction, at);
            for (let end = at; end <= codes.length; end++) {
              waiting[end]?.push(instruction.to);
              if (codes[end] === SLASH) {
                break;
              }
            }
          } else {
            for (const end of this.#otherEnds(codes, { body: instruction.body, at })) {
              waiting[end]?.push(instruction.to);
            }
          }
        } else {
          visit(instruction, at);
          if (consumes(instruction, codes[at])) {
            waiting[at + 1]?.push(pc + 1);
          }
        }
      }
    }
  }
}

function consumes(instruction: GlobInstruction, code: number | undefined): boolean {
  if (code === undefined) {
    return false;
  }
  switch (instruction.op) {
    case 'char':
      return code === instruction.code;
    case 'one':
      return code !== SLASH;
    case 'any':
      return true;
    case 'class':
      return code !== SLASH && inClass(instruction.class, code);
    default:
      return false;
  }
}

function codePoints(text: string): number[] {
  const codes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) ?? 0;
    codes.push(code);
    if (code > 0xffff) {
      i += 1;
    }
  }
  return codes;
}
