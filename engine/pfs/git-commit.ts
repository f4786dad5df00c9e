// The Git commit of a finished commit: what a clone shows, provenance included.

import { EMPTY_TREE } from '../git/object-id.ts';
import type { CommitRecord, ImageRecord } from '../journal/records.ts';
import { shortRepo } from './names.ts';
import type { WriteSession } from './write-session.ts';

/** What a commit holds once it has finished. */
export interface FinishedTree {
  readonly tree: string | null;
  readonly git: string;
  readonly size: number;
  readonly files: number;
}

/**
 * Writes the Git commit of `commit` with these contents. `parent` is the Git commit of the last good ancestor, and `merged`
 * that of what a merge brought in. Author
 * and committer are the same whoever writes it, so that equal commits are equal everywhere.
 */
export async function writeGitCommit(
  session: WriteSession,
  commit: CommitRecord,
  options: {
    readonly tree: string | null;
    readonly parent: string | null;
    readonly merged?: string | null;
    readonly time: number;
    readonly description: string;
    readonly image?: ImageRecord | null;
  },
): Promise<FinishedTree> {
  const { tree, parent, merged = null, time, description, image } = options;
  const treeId = tree ?? (await session.tree([]));
  const person = { name: 'pfs', email: 'pfs@localhost', time: Math.floor(time / 1000) };
  const trailers = [{ key: 'Pfs-Commit', value: commit.id }];
  for (const link of commit.provenance) {
    trailers.push({
      key: 'Pfs-Provenance',
      value: `${shortRepo(link.repo)}@${link.branch}=${link.commit}`,
    });
  }
  if (commit.pipeline) {
    const { name, version } = commit.pipeline;
    trailers.push({ key: 'Pfs-Pipeline', value: `${shortRepo(name)}@${version}` });
  }
  if (image) {
    trailers.push({ key: 'Pfs-Image', value: `${image.reference}@${image.digest}` });
  }
  const git = await session.commit({
    tree: treeId,
    parents: [...new Set([parent, merged])].filter((git) => git !== null),
    author: person,
    committer: person,
    message: description,
    trailers,
  });
  const { size, files } =
    treeId === EMPTY_TREE ? { size: 0, files: 0 } : await session.stat(treeId);
  return { tree, git, size, files };
}
