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

export interface Amount {
  readonly count: number;
  readonly bytes: number;
}

/** Packs that stay, with those of their bytes that nothing reaches. */
export interface KeptAmount extends Amount {
  readonly garbage: number;
}

/** What a collection did, or with `dryRun` would do. */
export interface Collection {
  readonly dryRun: boolean;
  readonly graceMs: number;
  /** Objects that are reached. */
  readonly live: Amount;
  /** Packs that nothing reaches: out of use now. */
  readonly dead: Amount;
  /** Packs of which less than half is reached: out of use now, after that half was written anew. */
  readonly sparse: Amount;
  readonly rewritten: Amount;
  /** Packs that stay: at least half is reached; used within the grace period; used while the collection ran. */
  readonly full: KeptAmount;
  readonly young: KeptAmount;
  readonly busy: Amount;
  /** Packs out of use for at least the grace period, and their objects deleted; and those that wait for that. */
  readonly deleted: Amount;
  readonly waiting: Amount;
  /** Objects of uploads that came to nothing, and segments of logs of deleted jobs: deleted. */
  readonly orphans: Amount;
  readonly logs: Amount;
  /** Commits that the settings of their repos let go: in the trash now. */
  readonly expired: number;
  /** What left the trash for good, and what is in it. */
  readonly emptied: number;
  readonly trash: number;
}

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
