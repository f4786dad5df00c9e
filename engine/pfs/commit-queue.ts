// Commits of their own, branch by branch: writes that wait for the same branch are taken together, so that twenty-five
// puts at once are a few tree writes and one put to the store, yet twenty-five commits.

import { EngineError, isEngineError } from '../base/errors.ts';
import { compose } from '../journal/compose.ts';
import type { Operation } from '../journal/operations.ts';
import {
  branchKey,
  type CommitRecord,
  commitKey,
  type Edit,
  type RepoKey,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { checkWritable, openHead } from './branch-rules.ts';
import { lastGood } from './commit-lookup.ts';
import { type PfsContext, type Request, transactOptions } from './context.ts';
import { applyEdits } from './edits.ts';
import { writeGitCommit } from './git-commit.ts';
import { propagate } from './propagate.ts';
import type { WriteSession } from './write-session.ts';

/** One commit to be made: its edits, and the session that holds what they name. */
export interface NewCommit {
  readonly repo: RepoKey;
  readonly branch: string;
  readonly description: string;
  readonly edits: readonly Edit[];
  readonly session: WriteSession;
  readonly request: Request;
}

interface Waiting extends NewCommit {
  readonly settle: (outcome: Promise<CommitRecord>) => void;
  /** The session's packs are in the store and live; edits are read from there. */
  staged: boolean;
}

interface Prepared {
  readonly item: Waiting;
  readonly before: string | null;
  readonly commit: CommitRecord;
  readonly finish: Extract<Operation, { kind: 'commit.finished' }>;
}

const HEAD_MOVED = 'head_moved';
/** The most commits of one batch: bounds the work that a lost race repeats. */
const MAX_BATCH = 64;

/** Makes commits on branches, in the order in which they were asked for. */
export class CommitQueue {
  readonly #context: PfsContext;
  readonly #lines = new Map<string, Waiting[]>();

  constructor(context: PfsContext) {
    this.#context = context;
  }

  /**
   * Makes a finished commit on a branch and everything it causes; resolves once that is durable. Takes over the
   * session. Rejects, with nothing changed, as {@link applyEdits} and {@link checkWritable} do.
   */
  submit(commit: NewCommit): Promise<CommitRecord> {
    const key = branchKey(commit.repo, commit.branch);
    return new Promise((resolve) => {
      const item = { ...commit, settle: resolve, staged: false };
      const line = this.#lines.get(key);
      if (line) {
        line.push(item);
      } else {
        this.#lines.set(key, [item]);
        void this.#drain(key);
      }
    });
  }

  async #drain(key: string): Promise<void> {
    const line = this.#lines.get(key) ?? [];
    while (line.length > 0) {
      const batch = line.splice(0, MAX_BATCH);
      try {
        line.unshift(...(await this.#commit(batch)));
      } catch (error) {
        for (const item of batch) {
          item.session.discard();
          item.settle(Promise.reject(error));
        }
      }
    }
    this.#lines.delete(key);
  }

  /** Commits a batch; returns those that must be tried again because somebody else moved the branch. */
  async #commit(batch: readonly Waiting[]): Promise<Waiting[]> {
    const [first] = batch;
    if (first === undefined) {
      return [];
    }
    const { repo, branch } = first;
    const { state } = this.#context.journal;
    checkWritable(state, repo, branch);
    refuseOpenHead(state, repo, branch);
    const head = state.branches.get(branchKey(repo, branch))?.head ?? null;
    const session = this.#context.newSession();
    for (const item of batch.filter((one) => !one.staged)) {
      session.absorb(item.session);
    }
    const prepared = await this.#prepare(batch, session, head);
    const { added, relied } = await session.finish();
    const packs: Operation = { kind: 'packs.added', repo, added, relied };
    const outcomes = await Promise.allSettled(
      prepared.map((one) =>
        this.#context.journal.transact(
          (now) => decide(now, one, packs),
          transactOptions(one.item.request),
        ),
      ),
    );
    const again: Waiting[] = [];
    for (const [i, outcome] of outcomes.entries()) {
      const item = prepared[i]?.item;
      if (item === undefined) {
        continue;
      }
      if (outcome.status === 'fulfilled') {
        item.settle(Promise.resolve(outcome.value));
      } else if (isHeadMoved(outcome.reason)) {
        again.push(item);
      } else {
        item.settle(Promise.reject(outcome.reason));
      }
    }
    if (again.some((item) => !item.staged)) {
      await this.#keepPacks(packs);
      for (const item of again) {
        item.staged = true;
      }
    }
    return again;
  }

  /** Builds the commits one on the other; an item whose edits are refused is settled and left out. */
  async #prepare(
    batch: readonly Waiting[],
    session: WriteSession,
    head: string | null,
  ): Promise<Prepared[]> {
    const { repo, branch } = batch[0] as Waiting;
    const time = this.#context.clock.now();
    const base = await lastGood(this.#context, repo, head);
    const headCommit =
      head === null ? undefined : this.#context.journal.state.commits.get(commitKey(repo, head));
    let last = {
      id: head,
      tree: base?.tree ?? null,
      git: base?.git ?? null,
      depth: headCommit?.depth ?? -1,
    };
    const prepared: Prepared[] = [];
    for (const item of batch) {
      try {
        const tree = await applyEdits(session, last.tree, item.edits);
        const commit: CommitRecord = {
          repo,
          id: this.#context.ids.next(),
          branch,
          parent: last.id,
          depth: last.depth + 1,
          origin: 'user',
          description: item.description,
          started: time,
          finished: null,
          error: null,
          provenance: [],
          tree: last.tree,
          git: null,
          size: 0,
          files: 0,
          edits: [],
          pipeline: null,
          image: null,
        };
        const written = await writeGitCommit(session, commit, {
          tree,
          parent: last.git,
          time,
          description: item.description,
        });
        prepared.push({
          item,
          before: last.id,
          commit,
          finish: {
            kind: 'commit.finished',
            repo,
            commit: commit.id,
            time,
            ...written,
            error: null,
          },
        });
        last = { id: commit.id, tree, git: written.git, depth: commit.depth };
      } catch (error) {
        if (!isEngineError(error, 'invalid')) {
          throw error;
        }
        item.settle(Promise.reject(error));
      }
    }
    return prepared;
  }

  /** Makes uploaded packs live although no commit names them yet, so that the next try finds what is in them. */
  async #keepPacks(packs: Operation): Promise<void> {
    await this.#context.journal.transact(() => ({ operations: [packs], result: null }), {
      actor: 'engine',
    });
  }
}

function decide(
  state: State,
  prepared: Prepared,
  packs: Operation,
): { operations: Operation[]; result: CommitRecord } {
  const { commit, before, finish } = prepared;
  const { repo, branch } = commit;
  checkWritable(state, repo, branch);
  const current = state.branches.get(branchKey(repo, branch));
  if ((current?.head ?? null) !== before) {
    throw new EngineError('conflict', `Cannot commit to branch "${branch}": its head moved`, {
      details: { reason: HEAD_MOVED },
    });
  }
  return compose(state, (draft) => {
    draft.add(packs);
    if (current === undefined) {
      draft.add({
        kind: 'branch.put',
        branch: { repo, name: branch, head: null, provenance: [], created: finish.time },
      });
    }
    draft.add({ kind: 'commit.started', commit }, finish, {
      kind: 'branch.moved',
      repo,
      branch,
      head: commit.id,
    });
    propagate(draft, [{ repo, branch }], { set: commit.id, time: finish.time });
    return draft.state.commits.get(commitKey(repo, commit.id)) ?? commit;
  });
}

function refuseOpenHead(state: State, repo: RepoKey, branch: string): void {
  const open = openHead(state, repo, branch);
  if (open) {
    throw new EngineError(
      'failed_precondition',
      `Cannot make a commit of its own on branch "${branch}": commit ${open.id} is open there; leave out -c to put into it, or finish it first`,
    );
  }
}

function isHeadMoved(error: unknown): boolean {
  return isEngineError(error, 'conflict') && error.details.reason === HEAD_MOVED;
}
