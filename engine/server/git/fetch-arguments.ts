// What a client says of what it wants and has, line by line (gitprotocol-v2, "fetch").

import { EngineError } from '../../base/errors.ts';
import type { Depth } from '../../pfs/fetch-plan.ts';

export interface FetchArguments {
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  /** The client has told all that it has. */
  readonly done: boolean;
  readonly noProgress: boolean;
  /** Where the client's own history ends. */
  readonly shallow: ReadonlySet<string>;
  readonly depth: Depth | undefined;
  /** Branches and tags whose history is not wanted. */
  readonly excluded: readonly string[];
  /** Contents of files below so many bytes are sent, or `none`, or not even directories: `commits`; all where undefined. */
  readonly filter: 'commits' | 'none' | number | undefined;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Reads the arguments; rejects with `invalid` what is asked for and not there. What only allows something is ignored. */
export function readFetchArguments(lines: readonly string[]): FetchArguments {
  const values = (key: string) =>
    lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  const number = (key: string) => {
    const [text] = values(key);
    if (text !== undefined && !/^\d{1,12}$/.test(text)) {
      throw new EngineError('invalid', `Cannot answer Git: "${key} ${text}" has no number`);
    }
    return text === undefined ? undefined : Number(text);
  };
  const commits = number('deepen');
  const since = number('deepen-since');
  const excluded = values('deepen-not');
  const relative = lines.includes('deepen-relative');
  const depth = {
    relative,
    ...(commits === undefined ? {} : { commits }),
    ...(since === undefined ? {} : { since }),
  };
  return {
    wants: values('want'),
    haves: values('have'),
    done: lines.includes('done'),
    noProgress: lines.includes('no-progress'),
    shallow: new Set(values('shallow')),
    depth:
      commits === undefined && since === undefined && excluded.length === 0 ? undefined : depth,
    excluded,
    filter: readFilter(values('filter')[0]),
  };
}

function readFilter(text: string | undefined): FetchArguments['filter'] {
  if (text === undefined || text === 'blob:none') {
    return text && 'none';
  }
  if (text === 'tree:0') {
    return 'commits';
  }
  const [, count = '', unit = ''] = /^blob:limit=(\d{1,12})([kmg]?)$/.exec(text) ?? [];
  if (count === '') {
    throw new EngineError(
      'invalid',
      `Cannot filter by "${text}"; there are blob:none, blob:limit=<size> and tree:0`,
    );
  }
  return Number(count) * (UNITS[unit] ?? 1);
}
