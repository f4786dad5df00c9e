// The options of `put file` that say how files are stored and sent, and what they ask of the engine.

import type { QueryOf } from '../engine/server/operations/types.ts';
import type { ParsedArguments } from './arguments.ts';
import { usageError } from './cli-error.ts';
import type { Option } from './command.ts';
import type { SymlinkRule } from './walk.ts';

/** How files are stored and sent. */
export const UPLOAD_OPTIONS = {
  split: {
    type: 'string',
    value: 'line|json|csv',
    description: 'store each file as a directory of numbered pieces of whole records',
  },
  'target-file-datums': {
    type: 'number',
    value: 'count',
    description: 'with --split: records per piece; 1 unless told',
  },
  'target-file-bytes': {
    type: 'number',
    value: 'count',
    description: 'with --split: a piece ends once it has so many bytes',
  },
  'header-records': {
    type: 'number',
    value: 'count',
    description: 'with --split csv: so many rows are put in front of each piece',
  },
  untar: {
    type: 'boolean',
    description: 'store what tars hold, gzipped or not; the path names the directory',
  },
  compress: { type: 'boolean', description: 'compress what is sent; what is stored is the same' },
  symlinks: {
    type: 'string',
    value: 'follow|keep|refuse',
    description: 'symbolic links below directories and in tars; follow unless told',
  },
} as const satisfies Readonly<Record<string, Option>>;

export interface UploadWishes {
  readonly query: QueryOf<'POST /repos/{project}/{repo}/files/{ref}'>;
  readonly untar: boolean;
  readonly compress: boolean;
  readonly symlinks: SymlinkRule;
}

/** Reads the options; throws a usage error for what cannot be meant. */
export function uploadWishes(args: ParsedArguments): UploadWishes {
  const split = args.string('split');
  const untar = args.flag('untar');
  const symlinks = args.string('symlinks') ?? 'follow';
  if (split !== undefined && !isSplit(split)) {
    throw usageError(`Cannot split by "${split}": write --split line, json or csv`);
  }
  if (split === undefined) {
    for (const name of ['target-file-datums', 'target-file-bytes', 'header-records']) {
      if (args.number(name) !== undefined) {
        throw usageError(`--${name} says what pieces hold: it goes with --split line, json or csv`);
      }
    }
  } else if (untar) {
    throw usageError('--split and --untar do not go together: do one after the other');
  }
  if (!isRule(symlinks)) {
    throw usageError(`--symlinks is follow, keep or refuse, not "${symlinks}"`);
  }
  return {
    query: {
      split,
      datums: args.number('target-file-datums'),
      bytes: args.number('target-file-bytes'),
      'header-records': args.number('header-records'),
      untar,
      symlinks: symlinks === 'follow' ? undefined : symlinks,
    },
    untar,
    compress: args.flag('compress'),
    symlinks,
  };
}

type Split = NonNullable<UploadWishes['query']['split']>;

function isSplit(text: string): text is Split {
  return text === 'line' || text === 'json' || text === 'csv';
}

function isRule(text: string): text is SymlinkRule {
  return text === 'follow' || text === 'keep' || text === 'refuse';
}
