// What travels about tags, merges, parts of directories, removals and projects; as `wire.ts`, which says what holds for all routes.
//
//  GET    …/{repo}/tags?after=&limit=                         → Page<Tag>
//  PUT    …/{repo}/tags/{tag}?force=true  PutTag              → Tag                  (force: moves one that is there)
//  GET    …/{repo}/tags/{tag}                                 → Tag
//  DELETE …/{repo}/tags/{tag}                                 → 204
//
//  POST   …/{repo}/branches/{branch}/merge  MergeBranch       → MergeResult          (into this branch)
//  POST   …/{repo}/commits/{ref}/revert     RevertCommit      → MergeResult
//
//  GET    …/{repo}/files/{ref}/commits?path=&limit=           → stream of FoundCommit, newest first: where the path changed
//
//  DELETE /commit-sets/{id}?recursive=true                    → RemovedSet           (drops it: its commits have no children)
//  POST   /commit-sets/{id}/squash?recursive=true             → RemovedSet           (its children keep what it changed;
//                                                                                    recursive: sets made from it go first)
//
//  GET    /projects?after=&limit=                             → Page<Project>        (made or used; default always)
//  POST   /projects                    CreateProject          → Project
//  GET    /projects/{project}                                 → Project
//  PATCH  /projects/{project}          {description}          → Project
//  DELETE /projects/{project}?force=true                      → 204                  (force: with all that is in it)

import type { Commit, CommitLink, File, Page, RepoName } from './wire.ts';

export interface PutTag {
  /** Any ref of the same repo. */
  readonly head: string;
  readonly description?: string;
}

export interface Tag {
  readonly repo: RepoName;
  readonly name: string;
  readonly commit: string;
  readonly description: string;
  readonly created: string;
}

/** What a removal took away. */
export interface RemovedSet {
  readonly id: string;
  /** Each with the branch on which it was made; also those of sets that were made from it and went first. */
  readonly commits: readonly CommitLink[];
}

export interface MergeBranch {
  /** What is brought in: any ref of the same repo. */
  readonly source: string;
  /** Whose version stands where both changed a path; without it that is a conflict. */
  readonly favour?: 'ours' | 'theirs';
  /** False: makes a commit also where moving the branch would do. */
  readonly fastForward?: boolean;
  readonly description?: string;
}

export interface RevertCommit {
  /** Where to undo it; without it the branch that the ref names, or on which the commit was made. */
  readonly branch?: string;
  readonly description?: string;
}

/** What a side did with a path: `directory` where one stands there now and a file on the other side or before. */
export type SideChange = 'added' | 'changed' | 'removed' | 'directory';

export interface MergeResult {
  /** `conflicts`: nothing was changed. */
  readonly outcome: 'merged' | 'reverted' | 'fast_forward' | 'up_to_date' | 'conflicts';
  /** What the branch shows now; null with conflicts. */
  readonly commit: Commit | null;
  /** The paths that both sides changed, in order; at most 1,000. */
  readonly conflicts: readonly {
    readonly path: string;
    readonly ours: SideChange;
    readonly theirs: SideChange;
  }[];
  readonly conflictCount: number;
}

/** A page of what is directly in a directory. */
export interface FilePage extends Page<File> {
  /** The place of the first item among all of the directory, and how many those are. */
  readonly offset: number;
  readonly total: number;
}

/** A commit that changed what stands at a path. */
export interface FoundCommit {
  readonly kind: 'added' | 'changed' | 'removed';
  readonly commit: Commit;
  /** What stands there since; null where it was removed. */
  readonly file: File | null;
}

export interface CreateProject {
  readonly name: string;
  readonly description?: string;
}

export interface Project {
  readonly name: string;
  readonly description: string;
  /** Null for the default project of an empty store. */
  readonly created: string | null;
  /** How many repos that no pipeline writes, and how many pipelines are in it. */
  readonly repos: number;
  readonly pipelines: number;
}
