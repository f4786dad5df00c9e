// The files of a commit of a Git server, as an upload has them, and what of it can't be a file here.

import { MAX_BLOB_BYTES } from '../base/limits.ts';
import { parsePointer } from '../content/pointer.ts';
import type { IncomingPack } from '../git/incoming-pack.ts';
import { readRemoteTree } from '../git/remote-history.ts';
import type { FilePart } from '../pfs/upload.ts';

const TREE = '40000';
const LINK = '120000';
const SUBMODULE = '160000';
const EXECUTABLE = '100755';
const MAX_HOPS = 40;
/** Named in the description of the commit; the others are counted. */
const MAX_NAMED = 10;

/** What was left out of a commit, or is not what a clone with all its tools would have. */
export class Omissions {
  readonly submodules: string[] = [];
  readonly links: string[] = [];
  readonly pointers: string[] = [];

  /** Sentences for people, none where nothing is missing. */
  get text(): readonly string[] {
    return [
      ...told('left out, submodules', this.submodules),
      ...told('left out, symbolic links that lead nowhere or out of the repository', this.links),
      ...told('stored as their Git LFS pointers, not as what these stand for', this.pointers),
    ];
  }
}

function told(what: string, paths: readonly string[]): string[] {
  if (paths.length === 0) {
    return [];
  }
  const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : '';
  return [`${what}: ${paths.slice(0, MAX_NAMED).join(', ')}${more}`];
}

/** Yields the files of a tree; symbolic links that lead to something in it come as such. */
export async function* gitFiles(
  pack: IncomingPack,
  options: { readonly tree: string; readonly omissions: Omissions; readonly withLinks: boolean },
): AsyncGenerator<readonly FilePart[]> {
  yield* filesBelow(pack, { ...options, root: options.tree, path: '' });
}

interface Below {
  readonly root: string;
  readonly tree: string;
  readonly path: string;
  readonly omissions: Omissions;
  readonly withLinks: boolean;
}

async function* filesBelow(pack: IncomingPack, at: Below): AsyncGenerator<readonly FilePart[]> {
  const { omissions } = at;
  for (const { mode, name, id } of await readRemoteTree(pack, at.tree)) {
    const path = at.path === '' ? name : `${at.path}/${name}`;
    if (mode === TREE || mode === '040000') {
      yield* filesBelow(pack, { ...at, tree: id, path });
    } else if (mode === SUBMODULE) {
      omissions.submodules.push(path);
    } else {
      const { content } = await pack.read(id);
      if (mode === LINK) {
        yield* await linkParts(pack, { ...at, path, content });
      } else {
        if (parsePointer(content)) {
          omissions.pointers.push(path);
        }
        yield* fileParts(path, { content, executable: mode === EXECUTABLE });
      }
    }
  }
}

/** A large file comes in pieces: it is stored as it comes. */
function* fileParts(
  path: string,
  file: { readonly content: Buffer; readonly executable: boolean },
): Generator<readonly FilePart[]> {
  const { content, executable } = file;
  for (let at = 0; at === 0 || at < content.length; at += MAX_BLOB_BYTES) {
    const data = content.subarray(at, at + MAX_BLOB_BYTES);
    const last = at + MAX_BLOB_BYTES >= content.length;
    yield [{ path, executable, data, first: at === 0, last }];
  }
}

async function linkParts(
  pack: IncomingPack,
  link: Below & { readonly content: Buffer },
): Promise<readonly (readonly FilePart[])[]> {
  const { path, content, omissions } = link;
  const isWhole = link.withLinks && (await leadsSomewhere(pack, link));
  if (!isWhole) {
    omissions.links.push(path);
    return [];
  }
  return [[{ path, executable: false, data: content, first: true, last: true, link: 'symbolic' }]];
}

/** Whether a link leads to a file or directory of the same tree, and not to one that it is in itself. */
async function leadsSomewhere(
  pack: IncomingPack,
  link: { readonly root: string; readonly path: string; readonly content: Buffer },
): Promise<boolean> {
  const target = link.content.toString('utf8');
  if (target.startsWith('/') || target === '') {
    return false;
  }
  let todo = [...link.path.split('/').slice(0, -1), ...target.split('/')];
  let done: string[] = [];
  for (let hops = 0; ; ) {
    const name = todo.shift();
    if (name === undefined) {
      const path = done.join('/');
      return path !== '' && !link.path.startsWith(`${path}/`) && path !== link.path;
    }
    if (name === '..') {
      if (done.pop() === undefined) {
        return false;
      }
    } else if (name !== '' && name !== '.') {
      done.push(name);
      const found = await entryAt(pack, link.root, done);
      if (found === undefined || found.mode === SUBMODULE) {
        return false;
      }
      if (found.mode === LINK) {
        hops += 1;
        const next = (await pack.read(found.id)).content.toString('utf8');
        if (hops > MAX_HOPS || next.startsWith('/')) {
          return false;
        }
        todo = [...next.split('/'), ...todo];
        done = done.slice(0, -1);
      }
    }
  }
}

async function entryAt(
  pack: IncomingPack,
  root: string,
  names: readonly string[],
): Promise<{ readonly mode: string; readonly id: string } | undefined> {
  let found: { readonly mode: string; readonly id: string } = { mode: TREE, id: root };
  for (const name of names) {
    if (found.mode !== TREE && found.mode !== '040000') {
      return undefined;
    }
    const entry = (await readRemoteTree(pack, found.id)).find((one) => one.name === name);
    if (entry === undefined) {
      return undefined;
    }
    found = entry;
  }
  return found;
}
