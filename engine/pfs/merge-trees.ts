// Three-way merging of trees, path by path: what one side changed since the base is taken, and where both changed the
// same path differently they are in conflict. Equal subtrees are not read.

import type { GitObjects } from '../git/git-objects.ts';
import type { TreeEntry } from '../git/tree.ts';
import type { EntryRef } from '../journal/records.ts';
import { readEntries } from './directory.ts';

/** What a side did with a path: `directory` where one stands there now and a file on the other side or before. */
export type SideChange = 'added' | 'changed' | 'removed' | 'directory';

/** A path that both sides changed, each in its way. */
export interface Conflict {
  readonly path: string;
  readonly ours: SideChange;
  readonly theirs: SideChange;
}

/** What must change in our tree: an entry is put in place of what stands at the path, null removes. */
export interface MergeEdit {
  readonly path: string;
  readonly entry: EntryRef | null;
}

export interface MergePlan {
  readonly edits: readonly MergeEdit[];
  /** In path order, the first {@link MAX_CONFLICTS}. */
  readonly conflicts: readonly Conflict[];
  readonly conflictCount: number;
}

/** Whose version stands where both changed a path. */
export type Favour = 'ours' | 'theirs';

/** Conflicts that are told one by one. */
const MAX_CONFLICTS = 1000;

/** The trees to merge; null is the empty one. */
export interface MergeSides {
  readonly base: string | null;
  readonly ours: string | null;
  readonly theirs: string | null;
}

/** Works out what to change in our tree, at the cost of what they changed. With `favour` there are no conflicts. */
export async function planMerge(
  objects: GitObjects,
  sides: MergeSides,
  favour?: Favour,
): Promise<MergePlan> {
  const { base, ours, theirs } = sides;
  const plan = { edits: [] as MergeEdit[], conflicts: [] as Conflict[], conflictCount: 0 };
  if (ours === base && theirs !== base) {
    plan.edits.push({ path: '', entry: theirs === null ? null : { mode: '40000', id: theirs } });
  } else {
    await mergeAt('', sides);
  }
  return plan;

  async function mergeAt(directory: string, trees: MergeSides): Promise<void> {
    if (trees.base === trees.theirs || trees.ours === trees.theirs) {
      return;
    }
    const before = await byName(objects, trees.base);
    const mine = await byName(objects, trees.ours);
    const other = await byName(objects, trees.theirs);
    for (const name of new Set([...before.keys(), ...other.keys()])) {
      const path = directory === '' ? name : `${directory}/${name}`;
      await mergeEntry(path, {
        base: before.get(name),
        ours: mine.get(name),
        theirs: other.get(name),
      });
    }
  }

  async function mergeEntry(path: string, at: Entries): Promise<void> {
    if (isSame(at.base, at.theirs) || isSame(at.ours, at.theirs)) {
      return;
    }
    if (isSame(at.ours, at.base)) {
      plan.edits.push({ path, entry: refOf(at.theirs) });
      return;
    }
    const present = [at.base, at.ours, at.theirs].filter((entry) => entry !== undefined);
    if (present.every(isTree)) {
      await mergeAt(path, {
        base: at.base?.id ?? null,
        ours: at.ours?.id ?? null,
        theirs: at.theirs?.id ?? null,
      });
      return;
    }
    const joined = joinModes(at);
    if (joined) {
      plan.edits.push({ path, entry: joined });
    } else if (favour === undefined) {
      plan.conflictCount += 1;
      if (plan.conflicts.length < MAX_CONFLICTS) {
        const conflict = {
          path,
          ours: sideOf(at.base, at.ours),
          theirs: sideOf(at.base, at.theirs),
        };
        plan.conflicts.push(conflict);
      }
    } else if (favour === 'theirs') {
      plan.edits.push({ path, entry: refOf(at.theirs) });
    }
  }
}

/** What the three trees have under one name. */
interface Entries {
  readonly base: TreeEntry | undefined;
  readonly ours: TreeEntry | undefined;
  readonly theirs: TreeEntry | undefined;
}

/** Returns the file of a path of which one side changed the content and the other the executable bit. */
function joinModes({ base, ours, theirs }: Entries): EntryRef | undefined {
  if (!base || !ours || !theirs || [base, ours, theirs].some(isTree)) {
    return undefined;
  }
  if (ours.id === base.id && theirs.mode === base.mode) {
    return { mode: ours.mode, id: theirs.id };
  }
  return theirs.id === base.id && ours.mode === base.mode
    ? { mode: theirs.mode, id: ours.id }
    : undefined;
}

async function byName(objects: GitObjects, tree: string | null): Promise<Map<string, TreeEntry>> {
  return new Map((await readEntries(objects, tree)).map((entry) => [entry.name, entry]));
}

function isTree(entry: TreeEntry): boolean {
  return entry.mode === '40000';
}

function isSame(a: TreeEntry | undefined, b: TreeEntry | undefined): boolean {
  return a?.id === b?.id && a?.mode === b?.mode;
}

function refOf(entry: TreeEntry | undefined): EntryRef | null {
  return entry === undefined ? null : { mode: entry.mode, id: entry.id };
}

function sideOf(base: TreeEntry | undefined, entry: TreeEntry | undefined): SideChange {
  if (entry === undefined) {
    return 'removed';
  }
  return isTree(entry) ? 'directory' : base === undefined ? 'added' : 'changed';
}
