// The part of a commit that walks of history need, read without the rest.

import { EngineError } from '../base/errors.ts';

export interface CommitHeader {
  readonly tree: string;
  readonly parents: readonly string[];
  /** When it was committed, in seconds since the Unix epoch. */
  readonly time: number;
}

/** Reads the header of a commit object: a line with the tree, one for each parent, the author, the committer. */
export function readCommitHeader(content: Buffer): CommitHeader {
  const end = content.indexOf('\n\n');
  const lines = content.toString('utf8', 0, end < 0 ? content.length : end).split('\n');
  const values = (key: string) =>
    lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  const [tree] = values('tree');
  const time = /> (\d+) [+-]\d+$/.exec(values('committer')[0] ?? '')?.[1];
  if (tree === undefined || time === undefined) {
    throw new EngineError('corrupt', 'Cannot read a commit: its header is not one');
  }
  return { tree, parents: values('parent'), time: Number(time) };
}
