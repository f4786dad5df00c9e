// Writing the Git commits of a commit's descendants anew, without it. A last batch, for most the only one, goes into the
// transaction that takes the commit away. Where there are more, those before are durable by themselves and change nothing
// that users see: as long as the commit is there, both histories are true of it.

import { compose, type Draft } from '../journal/compose.ts';
import { type CommitRecord, commitKey } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { getCommit } from './commit-lookup.ts';
import { adopt, commitsAfter, parentsOf } from './commit-scan.ts';
import type { PfsContext } from './context.ts';
import { IdSet } from './id-set.ts';
import { demandSameHistory, historyOf } from './settled.ts';
import type { SessionPacks, WriteSession } from './write-session.ts';

/** Commits that are rewritten in one transaction: bounds what is held. */
const BATCH_COMMITS = 1000;

/** One rewriting. Memory holds the ids of the descendants, 20 bytes each, and a batch of their records. */
export class GitRewrite {
  readonly #context: PfsContext;
  readonly #gone: CommitRecord;
  readonly #below = new IdSet();
  readonly #batchCommits: number;
  #history: string;
  #session: WriteSession | undefined;
  #packs: SessionPacks | undefined;
  readonly #open: string[] = [];
  #batch = new Map<string, CommitRecord>();
  #children = new Map<string, CommitRecord>();

  /** `history` is what was known of the repo when `gone` was looked at; see {@link historyOf}. */
  constructor(
    context: PfsContext,
    options: {
      readonly gone: CommitRecord;
      readonly history: string;
      /** Commits of one transaction; 1000 where not named. */
      readonly batch?: number;
    },
  ) {
    this.#context = context;
    this.#gone = options.gone;
    this.#history = options.history;
    this.#batchCommits = options.batch ?? BATCH_COMMITS;
  }

  /** Returns whether a commit is the one that goes, or a descendant of it. */
  isBelow(commit: string): boolean {
    return commit === this.#gone.id || this.#below.hasHex(padded(commit));
  }

  /** Returns the record of a child as it was rewritten. */
  current(child: CommitRecord): CommitRecord {
    return this.#children.get(child.id) ?? child;
  }

  /** Adds the last batch to the transaction that takes the commit away: of most commits it is the only one. */
  addLast(draft: Draft): void {
    const { repo } = this.#gone;
    if (this.#packs) {
      draft.add({ kind: 'packs.added', repo, ...this.#packs });
    }
    for (const commit of this.#batch.values()) {
      draft.add({ kind: 'commit.rewritten', commit });
    }
  }

  /** Rewrites all descendants but for a last batch; returns what is known of the repo's history afterwards. */
  async run(): Promise<string> {
    const { repo, id } = this.#gone;
    try {
      for (;;) {
        let changed = false;
        let inverted = false;
        for await (const commit of commitsAfter(this.#context, repo, id)) {
          const parents = parentsOf(commit);
          // Made in parallel, or by engines whose clocks differ: one more round is needed to be sure of these.
          inverted ||= parents.some((parent) => parent > commit.id);
          if (commit.id !== id && parents.some((parent) => this.isBelow(parent))) {
            const isNew = this.#below.addHex(padded(commit.id));
            changed = (await this.#rewrite(commit)) || isNew || changed;
          }
        }
        if (!changed || !inverted) {
          break;
        }
      }
      this.#packs = await this.#session?.finish();
      this.#session = undefined;
      return this.#history;
    } finally {
      this.#session?.discard();
    }
  }

  /** Returns whether the descendants that were open are so still: one that finished was made from what was rewritten. */
  isStillOpen(state: State): boolean {
    const { repo } = this.#gone;
    return this.#open.every((id) => state.commits.get(commitKey(repo, id))?.finished === null);
  }

  async #rewrite(stored: CommitRecord): Promise<boolean> {
    const commit = this.#batch.get(stored.id) ?? stored;
    if (commit.finished === null) {
      this.#open.push(commit.id);
    }
    if (commit.git === null || this.#gone.error !== null) {
      // It failed, is open, or has no files; or what goes had failed, and nothing was ever built on it.
      return false;
    }
    const isChild = parentsOf(commit).includes(this.#gone.id);
    const parents: string[] = [];
    for (const parent of parentsOf(isChild ? adopt(commit, this.#gone) : commit)) {
      const git = await this.#goodGit(parent);
      if (git !== null && !parents.includes(git)) {
        parents.push(git);
      }
    }
    this.#session ??= this.#context.newSession();
    const git = await this.#session.reparent(commit.git, parents);
    if (git === commit.git) {
      return false;
    }
    const rewritten = { ...commit, git };
    this.#batch.set(commit.id, rewritten);
    if (isChild) {
      this.#children.set(commit.id, rewritten);
    }
    if (this.#batch.size >= this.#batchCommits) {
      await this.#flush();
    }
    return true;
  }

  /** Returns the Git commit of the newest good commit from `id` upwards that stays. */
  async #goodGit(id: string): Promise<string | null> {
    for (let next: string | null = id; next !== null; ) {
      const commit: CommitRecord =
        this.#batch.get(next) ?? (await getCommit(this.#context, this.#gone.repo, next));
      if (next !== this.#gone.id && commit.finished !== null && commit.error === null) {
        return commit.git;
      }
      next = commit.parent;
    }
    return null;
  }

  async #flush(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) {
      return;
    }
    const { repo } = this.#gone;
    const packs = await session.finish();
    const commits = [...this.#batch.values()];
    if (commits.length > 0) {
      this.#history = await this.#context.journal.transact(
        (state) => {
          demandSameHistory(state, repo, this.#history);
          return compose(state, (draft) => {
            draft.add({ kind: 'packs.added', repo, ...packs });
            for (const commit of commits) {
              draft.add({ kind: 'commit.rewritten', commit });
            }
            return historyOf(draft.state, repo);
          });
        },
        { actor: 'engine' },
      );
    }
    this.#batch = new Map();
  }
}

/** A commit's id in the length of the set's. */
function padded(id: string): string {
  return id.padEnd(40, '0');
}
