// Git's commits, and the trailers by which a clone tells where a commit came from.

import { EngineError } from '../base/errors.ts';
import { readCommitHeader } from './commit-header.ts';

/** Who made a commit, and when, in seconds since the Unix epoch (UTC). */
export interface Person {
  readonly name: string;
  readonly email: string;
  readonly time: number;
}

/** A line `key: value` at the end of a commit's message. A key may come several times. */
export interface Trailer {
  readonly key: string;
  readonly value: string;
}

/** A commit as it is written and read. */
export interface Commit {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Person;
  readonly committer: Person;
  /** What the user said, without the trailers. */
  readonly message: string;
  readonly trailers: readonly Trailer[];
}

/** Subject of a commit of which the user said nothing: Git's tools want one above the trailers. */
const NO_MESSAGE = '(no description)';
const TRAILER = /^([A-Za-z][A-Za-z0-9-]*): (.*)$/;
const PERSON = /^(.*?) ?<([^>]*)> (\d+) [+-]\d+$/;

/** Makes the content of a commit object (git-hash-object(1), and `Documentation/gitformat-commit` of Git's own sources). */
export function encodeCommit(commit: Commit): Buffer {
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${signature(commit.author)}`,
    `committer ${signature(commit.committer)}`,
    '',
    composeMessage(commit.message, commit.trailers),
  ];
  return Buffer.from(lines.join('\n'));
}

/** Reads the content of a commit object, whoever wrote it; `corrupt` where it is none. What it says beside, signatures say, is passed over. */
export function parseCommit(content: Buffer, id: string): Commit {
  const text = content.toString();
  const end = text.indexOf('\n\n');
  const header = text.slice(0, end < 0 ? undefined : end);
  const { tree, parents } = readCommitHeader(content);
  const [author, committer] = ['author', 'committer'].map((key) => personIn(header, key));
  if (!author || !committer) {
    throw new EngineError('corrupt', `Cannot read commit "${id}": it does not say who made it`);
  }
  const { message, trailers } = splitMessage(end < 0 ? '' : text.slice(end + 2));
  return { tree, parents, author, committer, message, trailers };
}

function personIn(header: string, key: string): Person | undefined {
  const line = header.split('\n').find((one) => one.startsWith(`${key} `));
  const [, name, email, time] = PERSON.exec(line?.slice(key.length + 1) ?? '') ?? [];
  return name === undefined || email === undefined
    ? undefined
    : { name, email, time: Number(time) };
}

/** Returns the content of a commit object with other parents, and all else byte for byte as it was. */
export function replaceParents(content: Buffer, parents: readonly string[]): Buffer {
  const author = content.indexOf('\nauthor ') + 1;
  const tree = content.subarray(0, content.indexOf('\n') + 1);
  if (author === 0 || !tree.toString('latin1').startsWith('tree ')) {
    throw new EngineError('corrupt', 'Cannot read a commit: its header is not one');
  }
  const lines = parents.map((parent) => `parent ${parent}\n`).join('');
  return Buffer.concat([tree, Buffer.from(lines, 'latin1'), content.subarray(author)]);
}

/** Returns the trailers of a commit's whole message: the lines `Key: value` of its last paragraph. */
export function parseTrailers(message: string): Trailer[] {
  return splitMessage(message).trailers;
}

function splitMessage(whole: string): { message: string; trailers: Trailer[] } {
  const text = whole.replace(/\n+$/, '');
  const start = text.lastIndexOf('\n\n') + 2;
  const lines = start < 2 ? [] : text.slice(start).split('\n');
  const trailers: Trailer[] = [];
  for (const line of lines) {
    const [, key, value] = TRAILER.exec(line) ?? [];
    if (key === undefined || value === undefined) {
      return { message: subject(text), trailers: [] };
    }
    trailers.push({ key, value });
  }
  return { message: subject(start < 2 ? text : text.slice(0, start - 2)), trailers };
}

function subject(text: string): string {
  return text === NO_MESSAGE ? '' : text;
}

function composeMessage(message: string, trailers: readonly Trailer[]): string {
  if (message.includes('\0')) {
    throw new EngineError('invalid', 'Cannot use the commit message: it contains a zero byte');
  }
  const text = message.replaceAll('\r', '').replace(/^\n+|\s+$/g, '') || NO_MESSAGE;
  if (trailers.length === 0) {
    return `${text}\n`;
  }
  const lines = trailers.map(({ key, value }) => {
    const line = `${key}: ${value}`;
    if (!TRAILER.test(line) || /[\r\n\0]/.test(line)) {
      throw new EngineError('invalid', `Cannot write the trailer ${JSON.stringify(line)}`);
    }
    return line;
  });
  return `${text}\n\n${lines.join('\n')}\n`;
}

function signature(person: Person): string {
  for (const text of [person.name, person.email]) {
    const isBad = /[<>\n\0]/.test(text) || text.trim() !== text || person.name === '';
    if (isBad) {
      throw new EngineError(
        'invalid',
        `Cannot use ${JSON.stringify(text)} as the author of a commit: it is empty or has an angle bracket, line break or outer space`,
      );
    }
  }
  return `${person.name} <${person.email}> ${Math.floor(person.time)} +0000`;
}
