// Splits the words after a command into options and positional arguments. Knows no command.

import { usageError } from './cli-error.ts';
import { GLOBAL_OPTIONS, type Option } from './command.ts';
import { findNearest } from './nearest.ts';

type Value = boolean | string | number | readonly string[];

/** The options and positional arguments of one command line, typed by their definitions. */
export class ParsedArguments {
  readonly positionals: readonly string[];
  /** Those of the positionals that stand after `--`; undefined where there was none. */
  readonly rest: readonly string[] | undefined;
  readonly #values: ReadonlyMap<string, Value>;

  constructor(
    positionals: readonly string[],
    values: ReadonlyMap<string, Value>,
    rest?: readonly string[],
  ) {
    this.positionals = positionals;
    this.rest = rest;
    this.#values = values;
  }

  /** Returns whether the option was given (and not as `--no-…`). */
  flag(name: string): boolean {
    return this.#values.get(name) === true;
  }

  /** Returns whether the option was given as `--no-…`. */
  denied(name: string): boolean {
    return this.#values.get(name) === false;
  }

  /** Returns the option's text, or undefined where it was not given. */
  string(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  /** Returns the option's number, or undefined where it was not given. */
  number(name: string): number | undefined {
    const value = this.#values.get(name);
    return typeof value === 'number' ? value : undefined;
  }

  /** Returns every value given for the option, in order. */
  strings(name: string): readonly string[] {
    const value = this.#values.get(name);
    return Array.isArray(value) ? value : [];
  }
}

/**
 * Parses `words` by the definitions in `options` and the global ones: `--name value`, `--name=value`, `--no-name`, `-n value`,
 * `-nvalue`, `-abc`, and `--` before words that only look like options. A value may start with a dash.
 * Throws a usage error that names the nearest option for one it does not know.
 */
export function parseArguments(
  words: readonly string[],
  options: Readonly<Record<string, Option>>,
): ParsedArguments {
  const all: Readonly<Record<string, Option>> = { ...GLOBAL_OPTIONS, ...options };
  const positionals: string[] = [];
  const values = new Map<string, Value>();
  let rest: readonly string[] | undefined;
  let index = 0;

  const valueFor = (shown: string, attached: string | undefined): string => {
    const value = attached ?? words[index];
    if (value === undefined) {
      throw usageError(`Option ${shown} needs a value, as in ${shown} <value>`);
    }
    if (attached === undefined) {
      index += 1;
    }
    return value;
  };

  const set = (name: string, option: Option, given: { shown: string; attached?: string }): void => {
    if (option.type === 'boolean') {
      if (given.attached !== undefined && !/^(?:true|false)$/.test(given.attached)) {
        throw usageError(`Option ${given.shown} takes no value; leave out "${given.attached}"`);
      }
      values.set(name, given.attached !== 'false');
      return;
    }
    const value = valueFor(given.shown, given.attached);
    if (option.type === 'number') {
      if (!/^\d+$/.test(value)) {
        throw usageError(`Option ${given.shown} needs a whole number, not "${value}"`);
      }
      values.set(name, Number(value));
    } else if (option.type === 'strings') {
      const before = values.get(name);
      values.set(name, [...(Array.isArray(before) ? (before as string[]) : []), value]);
    } else {
      values.set(name, value);
    }
  };

  while (index < words.length) {
    const word = words[index] ?? '';
    index += 1;
    if (word === '--') {
      rest = words.slice(index);
      positionals.push(...rest);
      break;
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = word.slice(2, equals < 0 ? undefined : equals);
      const attached = equals < 0 ? {} : { attached: word.slice(equals + 1) };
      const found = findLong(name, all);
      if (found) {
        set(found, all[found] as Option, { shown: `--${name}`, ...attached });
      } else {
        const negated = name.startsWith('no-') ? findLong(name.slice(3), all) : undefined;
        if (!negated || all[negated]?.type !== 'boolean') {
          throw unknownOption(`--${name}`, all);
        }
        values.set(negated, false);
      }
    } else if (word.startsWith('-') && word !== '-') {
      for (let at = 1; at < word.length; at += 1) {
        const letter = word[at];
        const name = Object.keys(all).find((key) => all[key]?.short === letter);
        if (!name) {
          throw unknownOption(at === 1 ? word : `-${letter}`, all);
        }
        const option = all[name] as Option;
        const rest = word.slice(at + 1).replace(/^=/, '');
        if (option.type === 'boolean') {
          set(name, option, { shown: `-${letter}` });
          continue;
        }
        set(name, option, { shown: `-${letter}`, ...(rest === '' ? {} : { attached: rest }) });
        break;
      }
    } else {
      positionals.push(word);
    }
  }
  return new ParsedArguments(positionals, values, rest);
}

function findLong(name: string, options: Readonly<Record<string, Option>>): string | undefined {
  if (Object.hasOwn(options, name)) {
    return name;
  }
  return Object.keys(options).find((key) => options[key]?.aliases?.includes(name));
}

function unknownOption(shown: string, options: Readonly<Record<string, Option>>): Error {
  const names = Object.keys(options).filter((name) => !options[name]?.hidden);
  const nearest = shown.startsWith('--')
    ? findNearest(shown.slice(2), names)
    : names.find((name) => name === shown.slice(1));
  const hint = nearest ? `did you mean --${nearest}?` : 'see the options with --help';
  return usageError(`Unknown option ${shown}; ${hint}`);
}
