// A page of the documentation as what a test does with it: commands to run, files to write, blocks that are left out.
//
//   <!-- run                   what follows, line by line, is run and not shown: preparations and checks
//   <!-- file: name -->        the block that follows is written to a file, as a reader would
//   <!-- not run: reason -->   the block that follows is not run
//   <!-- exits: 4 -->          the last command of the block that follows ends with this code
//   <!-- for x read: command -->  from here on, what the command prints stands in the place of x
//   <!-- needs: docker s3 -->  what the page can't do without

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { marked, type Token, type Tokens } from 'marked';
import { checkout } from '../support/cli.ts';

/** What a page may need: `docker` for its images, `s3` a server, `web` another one that answers, `postgres` a database. */
export type Need = 'docker' | 's3' | 'web' | 'postgres';

export type Step = { readonly line: number } & (
  | { readonly kind: 'run'; readonly text: string; readonly exits: number }
  /** `output`, where it is given, is what the page shows below the command. */
  | {
      readonly kind: 'command';
      readonly text: string;
      readonly output: string;
      readonly exits: number;
    }
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  | { readonly kind: 'read'; readonly name: string; readonly text: string }
  | { readonly kind: 'left'; readonly text: string; readonly reason: string }
  | { readonly kind: 'data'; readonly text: string; readonly language: string }
);

export interface Page {
  /** Its path in the checkout. */
  readonly path: string;
  readonly needs: ReadonlySet<Need>;
  readonly steps: readonly Step[];
  /** Commands of `pfs` in running text, with the lines they are in. */
  readonly spoken: readonly { readonly line: number; readonly text: string }[];
}

const COMMANDS = new Set(['sh', 'bash', 'console']);

/** Reads a page; throws where a block of code says neither by its language nor by a comment what becomes of it. */
export function readPage(path: string): Page {
  const text = readFileSync(join(checkout, path), 'utf8');
  const reader = new PageReader(path, text);
  return reader.page();
}

class PageReader {
  readonly #path: string;
  readonly #text: string;
  readonly #needs = new Set<Need>();
  readonly #steps: Step[] = [];
  readonly #spoken: { line: number; text: string }[] = [];
  #at = 0;
  #file: string | undefined;
  #reason: string | undefined;
  #exits = 0;

  constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  page(): Page {
    void marked.walkTokens(marked.lexer(this.#text), (token) => this.#take(token));
    this.#refuseWaiting();
    return { path: this.#path, needs: this.#needs, steps: this.#steps, spoken: this.#spoken };
  }

  #take(token: Token): void {
    if (token.type === 'html') {
      this.#find(token.raw);
      this.#comment(token.raw.trim());
    } else if (token.type === 'code') {
      this.#find(token.raw.trimEnd().split('\n')[0] ?? '');
      this.#code(token as Tokens.Code);
    } else if (token.type === 'codespan' && /^pfs [a-z]/.test(token.text)) {
      const spoken = (token as Tokens.Codespan).text.replace(/\s+/g, ' ');
      this.#spoken.push({ line: this.#line(), text: spoken });
    }
  }

  /** Tokens have no positions: each is looked for behind the one before. */
  #find(raw: string): void {
    const found = this.#text.indexOf(raw, this.#at);
    this.#at = found < 0 ? this.#at : found + raw.length;
  }

  #line(): number {
    return this.#text.slice(0, this.#at).split('\n').length;
  }

  #comment(raw: string): void {
    const [, words = ''] = /^<!--\s*([\s\S]*?)\s*-->$/.exec(raw) ?? [];
    const [, name = '', rest = ''] =
      /^(run|needs|file|not run|exits|for \S+ read):?\s([\s\S]*)$/.exec(words) ?? [];
    const line = this.#line();
    if (name === 'run') {
      this.#steps.push({ kind: 'run', line, text: rest, exits: 0 });
    } else if (name === 'needs') {
      for (const need of rest.split(/\s+/)) {
        this.#needs.add(need as Need);
      }
    } else if (name === 'file') {
      this.#file = rest;
    } else if (name === 'not run') {
      this.#reason = rest.replace(/\s+/g, ' ');
    } else if (name === 'exits') {
      this.#exits = Number(rest);
    } else if (name.startsWith('for ')) {
      this.#steps.push({ kind: 'read', line, name: name.split(' ')[1] ?? '', text: rest });
    } else if (words !== '') {
      throw new Error(`${this.#path}:${line}: a comment that says nothing to the test: ${words}`);
    }
  }

  #code(token: Tokens.Code): void {
    const line = this.#line();
    const { text, lang = '' } = token;
    if (token.codeBlockStyle === 'indented') {
      throw new Error(`${this.#path}:${line}: code without a fence and a language: ${text}`);
    }
    if (lang === '') {
      throw new Error(
        `${this.#path}:${line}: code without a language; \`text\` is for what is none`,
      );
    }
    const [file, reason, exits] = [this.#file, this.#reason, this.#exits];
    this.#file = undefined;
    this.#reason = undefined;
    this.#exits = 0;
    if (reason !== undefined) {
      this.#steps.push({ kind: 'left', line, text, reason });
    } else if (file !== undefined) {
      this.#steps.push({ kind: 'file', line, name: file, text: `${text}\n` });
    } else if (lang === 'console') {
      this.#steps.push(...sessionSteps(text, line, exits));
    } else if (COMMANDS.has(lang)) {
      this.#steps.push({ kind: 'run', line, text, exits });
    } else {
      this.#steps.push({ kind: 'data', line, text, language: lang });
    }
  }

  #refuseWaiting(): void {
    const waiting = this.#file ?? this.#reason;
    if (waiting !== undefined) {
      throw new Error(`${this.#path}: no block follows the comment "${waiting}"`);
    }
  }
}

/** A session: lines that begin with `$ ` are commands, those with `> ` go on with one, all others are what it prints. */
function sessionSteps(text: string, line: number, exits: number): Step[] {
  const steps: { kind: 'command'; line: number; text: string; output: string; exits: number }[] =
    [];
  for (const [index, each] of text.split('\n').entries()) {
    const last = steps.at(-1);
    if (each.startsWith('$ ')) {
      steps.push({
        kind: 'command',
        line: line + index + 1,
        text: each.slice(2),
        output: '',
        exits: 0,
      });
    } else if (last && last.output === '' && each.startsWith('> ')) {
      last.text += `\n${each.slice(2)}`;
    } else if (last) {
      last.output += `${each}\n`;
    }
  }
  const last = steps.at(-1);
  if (last) {
    last.exits = exits;
  }
  return steps;
}
