// Git's commits, and the trailers by which a clone tells where a commit came from.

import { deflateSync, inflateSync } from 'node:zlib';
import git from 'isomorphic-git';
import { EngineError } from '../base/errors.ts';

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
const GITDIR = '/git';

/** Makes the content of a commit object. */
export async function encodeCommit(commit: Commit): Promise<Buffer> {
  const files = new Map<string, Uint8Array>();
  await git.writeCommit({
    fs: memoryFs(files),
    gitdir: GITDIR,
    commit: {
      message: composeMessage(commit.message, commit.trailers),
      tree: commit.tree,
      parent: [...commit.parents],
      author: signature(commit.author),
      committer: signature(commit.committer),
    },
  });
  const [written] = files.values();
  if (!written) {
    throw new EngineError('internal', 'Cannot encode a commit: nothing was written');
  }
  const object = inflateSync(written);
  return object.subarray(object.indexOf(0) + 1);
}

/** Reads the content of the commit object of that id. */
export async function parseCommit(content: Buffer, id: string): Promise<Commit> {
  const header = Buffer.from(`commit ${content.length}\0`, 'latin1');
  const path = `${GITDIR}/objects/${id.slice(0, 2)}/${id.slice(2)}`;
  const files = new Map([[path, deflateSync(Buffer.concat([header, content]), { level: 0 })]]);
  const { commit } = await git.readCommit({
    fs: memoryFs(files),
    gitdir: GITDIR,
    oid: id,
    cache: {},
  });
  const { message, trailers } = splitMessage(commit.message);
  return {
    tree: commit.tree,
    parents: commit.parent,
    author: toPerson(commit.author),
    committer: toPerson(commit.committer),
    message,
    trailers,
  };
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

function signature(person: Person) {
  for (const text of [person.name, person.email]) {
    const isBad = /[<>\n\0]/.test(text) || text.trim() !== text || person.name === '';
    if (isBad) {
      throw new EngineError(
        'invalid',
        `Cannot use ${JSON.stringify(text)} as the author of a commit: it is empty or has an angle bracket, line break or outer space`,
      );
    }
  }
  return {
    name: person.name,
    email: person.email,
    timestamp: Math.floor(person.time),
    timezoneOffset: 0,
  };
}

function toPerson(from: { name: string; email: string; timestamp: number }): Person {
  return { name: from.name, email: from.email, time: from.timestamp };
}

/** A file system of a few files, in the shape that the encoder asks for. */
function memoryFs(files: Map<string, Uint8Array>) {
  const absent = async (path: string): Promise<never> => {
    throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
  };
  const nothing = async () => undefined;
  return {
    promises: {
      readFile: async (path: string) => files.get(path) ?? absent(path),
      writeFile: async (path: string, bytes: Uint8Array) => {
        files.set(path, bytes);
      },
      stat: async (path: string) =>
        files.has(path) ? { isFile: () => true, isDirectory: () => false } : absent(path),
      lstat: absent,
      readdir: absent,
      readlink: absent,
      mkdir: nothing,
      rmdir: nothing,
      unlink: nothing,
      symlink: nothing,
    },
  };
}
