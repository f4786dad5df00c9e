// Which commits of a line changed what stands at a path.

import type { CommitRecord, RepoKey } from '../journal/records.ts';
import { walkCommits } from './commit-list.ts';
import type { PfsContext } from './context.ts';
import { type FileEntry, findFile } from './files.ts';

/** A commit, and what it did with a path: the file or directory before is undefined where it was added. */
export interface PathChange {
  readonly commit: CommitRecord;
  readonly old: FileEntry | undefined;
  readonly new: FileEntry | undefined;
}

/**
 * Yields the good commits from a ref upwards along first parents in which a path differs from the good commit before, newest
 * first. Each commit costs the directories on the way to the path, and none where its tree is that of the next.
 */
export async function* findPathChanges(
  context: PfsContext,
  at: { readonly repo: RepoKey; readonly ref: string; readonly path: string },
): AsyncGenerator<PathChange> {
  const { repo, ref, path } = at;
  let later: { readonly commit: CommitRecord; readonly entry: FileEntry | undefined } | undefined;
  for await (const commit of walkCommits(context, repo, ref)) {
    if (commit.finished === null || commit.error !== null) {
      // Nothing shows what it did.
      continue;
    }
    const entry =
      later && commit.tree === later.commit.tree
        ? later.entry
        : await findFile(context.objects, commit.tree, path);
    if (later && (entry?.id !== later.entry?.id || entry?.mode !== later.entry?.mode)) {
      yield { commit: later.commit, old: entry, new: later.entry };
    }
    later = { commit, entry };
  }
  if (later?.entry) {
    yield { commit: later.commit, old: undefined, new: later.entry };
  }
}
