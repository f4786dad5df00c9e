// What travels about the growth of a store: collection, the trash, retention, usage; as `wire.ts`, which says what holds for
// all routes. Spans of time are milliseconds.
//
//  POST   /collection?dryRun=true&grace=<ms>                  → Collection           (once it is done)
//  GET    /trash?after=&limit=                                → Page<Trashed>
//  POST   /trash/repos/{project}/{repo}                       → Repo                 (undeletes it)
//  POST   /trash/repos/{project}/{repo}/branches/{branch}     → Branch
//  POST   /trash/repos/{project}/{repo}/commits/{id}          → Commit[]
//  POST   /trash/commit-sets/{id}                             → Commit[]             (in all repos)
//  PUT    …/{repo}/retention           Retention              → Repo                 (both null: all commits stay)
//  GET    /usage                                              → Page<RepoUsage>      (of users' repos, all on one page)
//  GET    …/{repo}/usage?ref=                                 → Usage

import type { RepoName } from './wire.ts';

export type { Amount, CollectReport as Collection, KeptPacks } from '../upkeep/report.ts';

/** Something that was deleted and can be had back. */
export interface Trashed {
  readonly kind: 'repo' | 'branch' | 'commit';
  readonly repo: RepoName;
  /** The branch, or the id of the commit; of a repo null. */
  readonly name: string | null;
  readonly deleted: string;
}

/** Which commits of a repo stay: one that either says is enough. */
export interface Retention {
  /** The newest so many of each branch. */
  readonly last: number | null;
  /** Those that finished within so many milliseconds. */
  readonly forMs: number | null;
}

export interface Usage {
  readonly commits: number;
  /** Sizes of all its commits, each as if it stood alone. */
  readonly logical: number;
  /** Stored bytes that go when it goes. */
  readonly unique: number;
  /** Stored bytes that others need too. */
  readonly shared: number;
}

export interface RepoUsage extends Usage {
  readonly repo: RepoName;
}
