// What travels about tags, merges, removals and projects; as `wire.ts`, which says what holds for all routes.
//
//  GET    …/{repo}/tags?after=&limit=                         → Page<Tag>
//  PUT    …/{repo}/tags/{tag}?force=true  PutTag              → Tag                  (force: moves one that is there)
//  GET    …/{repo}/tags/{tag}                                 → Tag
//  DELETE …/{repo}/tags/{tag}                                 → 204
//
//  DELETE /commit-sets/{id}                                   → RemovedSet           (drops it: its commits have no children)
//  POST   /commit-sets/{id}/squash                            → RemovedSet           (its children keep what it changed)

import type { CommitLink, RepoName } from './wire.ts';

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
  /** Each with the branch on which it was made. */
  readonly commits: readonly CommitLink[];
}
