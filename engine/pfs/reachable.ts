// Which Git objects a commit is made of: its ancestors, their trees, their files. It keeps ids, never contents.

import { EngineError } from '../base/errors.ts';
import { readCommitHeader } from '../git/commit-header.ts';
import type { GitReader } from '../git/git-reader.ts';
import { EMPTY_TREE } from '../git/object-id.ts';
import { IdSet } from './id-set.ts';

/** Trees that are read together: bounds what is held. */
const BATCH_TREES = 256;
const NUL = 0;
const SLASHLESS_TREE = 0x34; // The 4 of 40000; the other modes begin with 1.

/** Where history ends before its beginning, as in a shallow clone. */
export interface Cut {
  /** Returns whether a commit is still there. One with a parent that is not is cut off from its parents. */
  readonly isThere: (commit: string) => boolean;
  readonly onCut?: (commit: string) => void;
}

/**
 * Returns the ids of all objects that the commits `heads` reach, in an order near to that in which they were written; without
 * those of files where `options.files` says so.
 */
export async function reachableObjects(
  objects: GitReader,
  heads: Iterable<string>,
  options: { readonly cut?: Cut | undefined; readonly files?: boolean } = {},
): Promise<IdSet> {
  const { cut, files = true } = options;
  const found = new IdSet();
  const roots = await collectCommits(objects, heads, { found, cut });
  let trees = roots.filter((id) => found.addHex(id));
  while (trees.length > 0) {
    const batch = trees.splice(-BATCH_TREES).filter((id) => id !== EMPTY_TREE);
    const below: string[] = [];
    for await (const { id, kind, content } of objects.readMany(batch)) {
      if (kind !== 'tree') {
        throw notA('tree', id, kind);
      }
      collectTree(content, { found, files }, below);
    }
    trees = trees.concat(below);
  }
  return found;
}

/** Collects the commits and returns their trees. */
async function collectCommits(
  objects: GitReader,
  heads: Iterable<string>,
  { found, cut }: { readonly found: IdSet; readonly cut: Cut | undefined },
): Promise<string[]> {
  const roots: string[] = [];
  let commits = [...heads].filter((id) => found.addHex(id));
  while (commits.length > 0) {
    const parents: string[] = [];
    for await (const { id, kind, content } of objects.readMany(commits)) {
      if (kind !== 'commit') {
        throw notA('commit', id, kind);
      }
      const { tree, parents: above } = readCommitHeader(content);
      roots.push(tree);
      if (cut && !above.every(cut.isThere)) {
        cut.onCut?.(id);
      } else {
        parents.push(...above);
      }
    }
    commits = parents.filter((id) => found.addHex(id));
  }
  return roots;
}

/** Adds what a tree names to `found`, and the trees among them that are new to `below`. */
function collectTree(
  content: Buffer,
  { found, files }: { readonly found: IdSet; readonly files: boolean },
  below: string[],
): void {
  for (let at = 0; at < content.length; ) {
    const end = content.indexOf(NUL, at) + 1;
    if (end === 0 || end + 20 > content.length) {
      throw new EngineError(
        'corrupt',
        'Cannot read a directory: it ends in the middle of an entry',
      );
    }
    const isTree = content[at] === SLASHLESS_TREE;
    if ((isTree || files) && found.add(content, end) && isTree) {
      below.push(content.toString('hex', end, end + 20));
    }
    at = end + 20;
  }
}

function notA(wanted: string, id: string, kind: string): EngineError {
  return new EngineError('corrupt', `Cannot read ${wanted} "${id}": it is a ${kind}`);
}
