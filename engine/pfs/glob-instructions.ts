// From the parts of a glob to the instructions of the machine that matches it. Never runs them.

import type { CharacterClass } from './character-class.ts';
import type { GlobNode, GlobNodes } from './glob-parser.ts';

/** One step of the machine that matches globs. Places are indexes of instructions. */
export type GlobInstruction =
  | { readonly op: 'char'; readonly code: number }
  | { readonly op: 'one' }
  | { readonly op: 'any' }
  | { readonly op: 'class'; readonly class: CharacterClass }
  | { readonly op: 'split'; readonly first: number; readonly second: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'save'; readonly slot: number }
  /** A run of characters but slashes that the program from `body` on doesn't match. */
  | { readonly op: 'other'; readonly body: number; readonly to: number }
  | { readonly op: 'match' };

/** Returns what matches a whole path against the parts of a pattern, from the first instruction on. */
export function instructionsOf(nodes: GlobNodes): readonly GlobInstruction[] {
  const emitter = new Emitter();
  emitter.emitAll(nodes);
  emitter.code.push({ op: 'match' });
  return emitter.code;
}

class Emitter {
  readonly code: GlobInstruction[] = [];

  emitAll(nodes: GlobNodes): void {
    for (const node of nodes) {
      this.#emit(node);
    }
  }

  #emit(node: GlobNode): void {
    switch (node.kind) {
      case 'char':
        this.code.push({ op: 'char', code: node.code });
        break;
      case 'one':
        this.code.push({ op: 'one' });
        break;
      case 'class':
        this.code.push({ op: 'class', class: node.class });
        break;
      case 'run':
        this.#loop(() => this.code.push({ op: 'one' }));
        break;
      case 'all':
        this.#loop(() => this.code.push({ op: 'any' }));
        break;
      case 'either':
        this.#branches(node.branches);
        break;
      case 'group':
        this.code.push({ op: 'save', slot: (node.index - 1) * 2 });
        this.#group(node);
        this.code.push({ op: 'save', slot: (node.index - 1) * 2 + 1 });
        break;
    }
  }

  #group(node: Extract<GlobNode, { kind: 'group' }>): void {
    const code = this.code;
    const branches = () => this.#branches(node.branches);
    switch (node.repeat) {
      case '@':
        branches();
        break;
      case '*':
        this.#loop(branches);
        break;
      case '+': {
        const start = code.length;
        branches();
        code.push({ op: 'split', first: start, second: code.length + 1 });
        break;
      }
      case '?': {
        const split = this.#reserve();
        branches();
        code[split] = { op: 'split', first: split + 1, second: code.length };
        break;
      }
      case '!': {
        const other = this.#reserve();
        branches();
        code.push({ op: 'match' });
        code[other] = { op: 'other', body: other + 1, to: code.length };
        break;
      }
    }
  }

  #loop(body: () => void): void {
    const split = this.#reserve();
    body();
    this.code.push({ op: 'jump', to: split });
    this.code[split] = { op: 'split', first: split + 1, second: this.code.length };
  }

  #branches(branches: readonly GlobNodes[]): void {
    const jumps: number[] = [];
    for (const [i, branch] of branches.entries()) {
      if (i === branches.length - 1) {
        this.emitAll(branch);
        break;
      }
      const split = this.#reserve();
      this.emitAll(branch);
      jumps.push(this.#reserve());
      this.code[split] = { op: 'split', first: split + 1, second: this.code.length };
    }
    for (const jump of jumps) {
      this.code[jump] = { op: 'jump', to: this.code.length };
    }
  }

  #reserve(): number {
    return this.code.push({ op: 'match' }) - 1;
  }
}
