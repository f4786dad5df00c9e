// What the edits of open commits make of their trees, kept in memory, so that an edit that does not fit is refused when
// it comes and not when the commit is finished. Nothing is written from here.

import type { GitObjects } from '../git/git-objects.ts';
import { type CommitRecord, commitKey, type Edit } from '../journal/records.ts';
import { applyEdit } from './edits.ts';
import { TreeDraft } from './tree-draft.ts';

/** Reads through whatever session brings the newest edits; what earlier ones brought is in live packs. */
class Reader implements GitObjects {
  current: GitObjects;

  constructor(current: GitObjects) {
    this.current = current;
  }

  readBlob(id: string) {
    return this.current.readBlob(id);
  }

  readTree(id: string) {
    return this.current.readTree(id);
  }

  readCommit(id: string) {
    return this.current.readCommit(id);
  }

  stat(id: string) {
    return this.current.stat(id);
  }
}

interface Known {
  readonly reader: Reader;
  readonly draft: TreeDraft;
  /** How many edits of the commit are in the draft. */
  count: number;
}

/** The most open commits that are kept; others are built from their edits when they are edited next. */
const MAX_KNOWN = 8;

/** Open commits that were edited lately. */
export class OpenEdits {
  readonly #known = new Map<string, Known>();

  /** Adds edits to those of an open commit; rejects as {@link applyEdit} does. `objects` has what they name. */
  async add(objects: GitObjects, commit: CommitRecord, edits: readonly Edit[]): Promise<void> {
    const key = commitKey(commit.repo, commit.id);
    let known = this.#known.get(key);
    this.#known.delete(key);
    if (known === undefined || known.count !== commit.edits.length) {
      const reader = new Reader(objects);
      known = { reader, draft: new TreeDraft(reader, commit.tree), count: 0 };
      await addAll(known, commit.edits);
    }
    known.reader.current = objects;
    await addAll(known, edits);
    // Kept only when all went well: an edit that was refused may have been added in part.
    this.#known.set(key, known);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) {
        break;
      }
      this.#known.delete(oldest);
    }
  }

  /** Forgets a commit: edits that were added have not become part of it. */
  forget(commit: CommitRecord): void {
    this.#known.delete(commitKey(commit.repo, commit.id));
  }
}

async function addAll(known: Known, edits: readonly Edit[]): Promise<void> {
  for (const edit of edits) {
    await applyEdit(known.draft, edit);
  }
  known.count += edits.length;
}
