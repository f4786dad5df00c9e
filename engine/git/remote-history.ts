// What a fetched pack holds: the commits of a branch, one after the other, and the files of each.

import { EngineError } from '../base/errors.ts';
import { readCommitHeader } from './commit-header.ts';
import type { IncomingPack } from './incoming-pack.ts';

/** More commits than that at once are taken as one step. */
export const MAX_STEPS = 1000;

/** A commit of the server. */
export interface RemoteCommit {
  readonly id: string;
  readonly tree: string;
  readonly subject: string;
  readonly author: string;
  /** When it was committed, in seconds since the Unix epoch. */
  readonly time: number;
}

export interface RemoteSteps {
  /** The new commits, the oldest first. */
  readonly commits: readonly RemoteCommit[];
  /** Whether the branch goes on from where it was; otherwise only its newest commit is there. */
  readonly goesOn: boolean;
}

/** Returns what is new on a line: from behind `last` to `head`, going by first parents; of a new line `head` alone. */
export async function newCommits(
  pack: IncomingPack,
  line: { readonly head: string; readonly last: string | undefined },
): Promise<RemoteSteps> {
  const { head, last } = line;
  const commits: RemoteCommit[] = [];
  let next: string | undefined = head;
  while (next !== undefined && next !== last && commits.length < MAX_STEPS) {
    if (pack.kindOf(next) !== 'commit') {
      break;
    }
    const { content } = await pack.read(next);
    commits.push(commitOf(next, content));
    [next] = readCommitHeader(content).parents;
  }
  const [newest] = commits;
  if (newest === undefined) {
    throw new EngineError('unavailable', `the server did not send commit ${head}`);
  }
  return last !== undefined && next === last
    ? { commits: commits.reverse(), goesOn: true }
    : { commits: [newest], goesOn: last === undefined };
}

function commitOf(id: string, content: Buffer): RemoteCommit {
  const { tree, time } = readCommitHeader(content);
  const text = content.toString('utf8');
  const end = text.indexOf('\n\n');
  const subject =
    text
      .slice(end < 0 ? text.length : end + 2)
      .trim()
      .split('\n')[0] ?? '';
  const author = /^author (.*?) ?</m.exec(text.slice(0, Math.max(end, 0)))?.[1] ?? '';
  return { id, tree, time, subject: plain(subject, 200), author: plain(author, 100) };
}

/** Text of strangers, on one line. */
function plain(text: string, most: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  return text.replaceAll(/[\u0000-\u001f\u007f]/g, ' ').slice(0, most);
}

/** What stands in a directory of the server's: modes are as Git writes them, those that we do not store too. */
export interface RemoteEntry {
  readonly mode: string;
  readonly name: string;
  readonly id: string;
}

/** Reads a directory. */
export async function readRemoteTree(pack: IncomingPack, id: string): Promise<RemoteEntry[]> {
  const { content } = await pack.read(id);
  const entries: RemoteEntry[] = [];
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const end = content.indexOf(0, space);
    if (space < 0 || end < 0 || end + 21 > content.length) {
      throw new EngineError('unavailable', `directory ${id} that the server sent is damaged`);
    }
    entries.push({
      mode: content.toString('latin1', at, space),
      name: content.toString('utf8', space + 1, end),
      id: content.toString('hex', end + 1, end + 21),
    });
    at = end + 21;
  }
  return entries;
}
