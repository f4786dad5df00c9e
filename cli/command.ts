// What a command is: data that the parser, the help, the completion and the tests all read.

import type { ParsedArguments } from './arguments.ts';
import type { Context } from './context.ts';

/** What a positional argument or an option's value names, for shell completion. */
export type Completes = 'repo' | 'pipeline' | 'project' | 'secret' | 'file' | 'command';

export interface Option {
  /** `strings` may be given several times. */
  readonly type: 'boolean' | 'string' | 'strings' | 'number';
  readonly description: string;
  /** One letter. */
  readonly short?: string;
  /** Other spellings, not shown. */
  readonly aliases?: readonly string[];
  /** The name of the value in the help, as in `--file <path>`. */
  readonly value?: string;
  readonly completes?: Completes;
  /** Only taken because users of Pachyderm type it; neither in the help nor in completions. */
  readonly hidden?: boolean;
}

export interface Command {
  /** Canonical name first, as in `create repo`; then other names for the same. */
  readonly names: readonly [string, ...string[]];
  readonly summary: string;
  /** Further sentences for the help of this command. */
  readonly details?: string;
  /** The positional arguments as the help shows them, as in `<repo> [branch]`. */
  readonly usage: string;
  readonly completes?: Completes;
  /** How many positional arguments it takes. */
  readonly arguments: readonly [least: number, most: number];
  readonly options: Readonly<Record<string, Option>>;
  /** A command line without `pfs`, and what it does. */
  readonly examples: readonly (readonly [line: string, effect: string])[];
  readonly run: (context: Context, args: ParsedArguments) => Promise<void>;
}

/** Options that every command takes. */
export const GLOBAL_OPTIONS = {
  project: {
    type: 'string',
    short: 'P',
    value: 'name',
    completes: 'project',
    description: 'project of the repos and pipelines named without one',
  },
  'ca-cert': {
    type: 'string',
    value: 'path',
    completes: 'file',
    description: 'trust engines with certificates of this authority',
  },
  raw: { type: 'boolean', description: 'print JSON, one document per line' },
  'full-timestamps': {
    type: 'boolean',
    description: 'print whole dates instead of "3 minutes ago"',
  },
  pager: { type: 'boolean', hidden: true, description: 'there is none: --no-pager has no effect' },
  help: { type: 'boolean', short: 'h', description: 'show this help' },
} as const satisfies Record<string, Option>;
