// Edits of branches, branch by branch: writes that wait for the same branch are taken together, so that twenty-five
// puts at once are a few packs, yet twenty-five commits, or twenty-five edits of the commit that is open there.

import { EngineError, isEngineError } from '../base/errors.ts';
import type { GitObjects } from '../git/git-objects.ts';
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
import { checkWritable, openHead, openThere } from './branch-rules.ts';
import { getCommit, lastGood } from './commit-lookup.ts';
import { type PfsContext, type Request, transactOptions } from './context.ts';
import { applyEdits } from './edits.ts';
import { writeGitCommit } from './git-commit.ts';
import { newCommit } from './new-commit.ts';
import { OpenEdits } from './open-edits.ts';
import { type AddedPacks, areNamed, explainGone, idsOfPacks } from './pack-changes.ts';
import { propagate } from './propagate.ts';
import { historyOf } from './settled.ts';
import type { WriteSession } from './write-session.ts';

/** One write to a branch: its edits, and the session that holds what they name. */
export interface NewCommit {
  readonly repo: RepoKey;
  readonly branch: string;
  readonly description: string;
  /** Demands a commit of its own; otherwise the edits go into the commit that is open on the branch, if one is. */
  readonly own: boolean;
  /** Demands that this is the commit that is open there. */
  readonly commit?: string;
  readonly edits: readonly Edit[];
  /** Rejects where the files, as they are just before, don't allow the edits. */
  readonly guard?: Guard | undefined;
  readonly session: WriteSession;
  readonly request: Request;
}

/** Looks at the files that a write would change: nobody else can change them between its answer and the write. */
export type Guard = (objects: GitObjects, tree: string | null) => Promise<void>;

interface Waiting extends NewCommit {
  readonly resolve: (commit: CommitRecord) => void;
  /** Changes nothing once the write was answered. */
  readonly reject: (error: unknown) => void;
  /** The packs of the session, once they are live although nothing names them: edits are read from there. */
  staged: readonly string[] | undefined;
}

/** A write whose objects are ready, and the transaction that will make it so. */
interface Prepared {
  readonly item: Waiting;
  decide(state: State): { operations: Operation[]; result: CommitRecord };
}

const HEAD_MOVED = 'head_moved';
/** The most writes of one batch: bounds the work that a lost race repeats. */
const MAX_BATCH = 64;

/** Makes commits on branches, in the order in which they were asked for. */
export class CommitQueue {
  readonly #context: PfsContext;
  readonly #open = new OpenEdits();
  readonly #lines = new Map<string, Waiting[]>();

  constructor(context: PfsContext) {
    this.#context = context;
  }

  /**
   * Makes a finished commit on a branch and everything it causes, or edits the commit that is open there; resolves once
   * that is durable. Takes over the session. Rejects, with nothing changed, as {@link applyEdits} and
   * {@link checkWritable} do.
   */
  submit(commit: NewCommit): Promise<CommitRecord> {
    const key = branchKey(commit.repo, commit.branch);
    return new Promise((resolve, reject) => {
      const item = { ...commit, resolve, reject, staged: undefined };
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
    // One turn of the event loop, so that writes which arrived together share a batch.
    await new Promise(setImmediate);
    while (line.length > 0) {
      const batch = line.splice(0, MAX_BATCH);
      try {
        line.unshift(...(await this.#commit(batch)));
      } catch (error) {
        for (const item of batch) {
          refuse(item, error);
        }
      }
    }
    this.#lines.delete(key);
  }

  /** Commits a batch; returns those that must be tried again because somebody else moved the branch. */
  async #commit(batch: readonly Waiting[]): Promise<Waiting[]> {
    const { repo, branch } = batch[0] as Waiting;
    const { state } = this.#context.journal;
    checkWritable(state, { repo, branch });
    const open = openHead(state, repo, branch);
    const session = this.#context.newSession();
    try {
      const items = batch.filter((item) => {
        const problem = problemWith(item, open);
        if (problem) {
          refuse(item, problem);
        }
        return !problem && absorb(session, item);
      });
      const prepared = open
        ? await this.#prepareEdits(items, { session, open })
        : await this.#prepare(items, session);
      const { added, relied } = await session.finish();
      // Of what was staged before, only this write knows that it is needed.
      const staged = items.flatMap((item) => item.staged ?? []);
      const packs: AddedPacks = {
        kind: 'packs.added',
        repo,
        added,
        relied: [...new Set([...relied, ...staged])],
      };
      const { again, failed } = await this.#transact(prepared, packs);
      if (open && failed) {
        this.#open.forget(open);
      }
      return again;
    } catch (error) {
      session.discard();
      if (open) {
        this.#open.forget(open);
      }
      throw error;
    }
  }

  async #transact(
    prepared: readonly Prepared[],
    packs: AddedPacks,
  ): Promise<{ readonly again: Waiting[]; readonly failed: boolean }> {
    const again: Waiting[] = [];
    let failed = false;
    await Promise.all(
      prepared.map(async ({ item, decide }) => {
        try {
          const commit = await this.#context.journal.transact((state) => {
            const { operations, result } = decide(state);
            const isNamed = areNamed(state, packs, this.#context.journal.seq);
            return { operations: [...(isNamed ? [] : [packs]), ...operations], result };
          }, transactOptions(item.request));
          item.resolve(commit);
        } catch (error) {
          failed = true;
          if (isHeadMoved(error)) {
            again.push(item);
          } else {
            item.reject(error);
          }
        }
      }),
    );
    if (again.some((item) => item.staged === undefined)) {
      await this.#keepPacks(packs);
      const ids = idsOfPacks(packs);
      for (const item of again) {
        item.staged = [...(item.staged ?? []), ...ids];
      }
    }
    return { again, failed };
  }

  /** Prepares edits of the commit that is open on the branch; one that does not fit is settled and left out. */
  async #prepareEdits(
    items: readonly Waiting[],
    on: { readonly session: WriteSession; readonly open: CommitRecord },
  ): Promise<Prepared[]> {
    const prepared: Prepared[] = [];
    let { open } = on;
    for (const item of items) {
      const before = open;
      try {
        await item.guard?.(on.session, await applyEdits(on.session, before.tree, before.edits));
        await this.#open.add(on.session, before, item.edits);
        prepared.push({ item, decide: (now) => decideEdit(now, item, before) });
        open = { ...open, edits: [...open.edits, ...item.edits] };
      } catch (error) {
        item.reject(this.#explain(item, error));
      }
    }
    return prepared;
  }

  /** Builds commits one on the other; an item whose edits are refused is settled and left out. */
  async #prepare(items: readonly Waiting[], session: WriteSession): Promise<Prepared[]> {
    const [first] = items;
    if (first === undefined) {
      return [];
    }
    const { repo, branch } = first;
    const { state } = this.#context.journal;
    const time = this.#context.clock.now();
    const history = historyOf(state, repo);
    const head = state.branches.get(branchKey(repo, branch))?.head ?? null;
    const base = await lastGood(this.#context, repo, head);
    const parent = head === null ? undefined : await getCommit(this.#context, repo, head);
    let last = {
      id: head,
      tree: base?.tree ?? null,
      git: base?.git ?? null,
      depth: parent?.depth ?? -1,
    };
    const prepared: Prepared[] = [];
    for (const item of items) {
      try {
        await item.guard?.(session, last.tree);
        const tree = await applyEdits(session, last.tree, item.edits);
        const commit = this.#newCommit(item, { parent: last, time });
        const { description } = item;
        const written = await writeGitCommit(session, commit, {
          tree,
          parent: last.git,
          time,
          description,
        });
        const before = last.id;
        const finish: Finish = {
          kind: 'commit.finished',
          repo,
          commit: commit.id,
          time,
          ...written,
          error: null,
        };
        prepared.push({
          item,
          decide: (now) => decideCommit(now, { commit, before, finish, history }),
        });
        last = { id: commit.id, tree, git: written.git, depth: commit.depth };
      } catch (error) {
        item.reject(this.#explain(item, error));
      }
    }
    return prepared;
  }

  #newCommit(
    item: Waiting,
    options: {
      readonly parent: { id: string | null; tree: string | null; depth: number };
      readonly time: number;
    },
  ): CommitRecord {
    const { parent, time } = options;
    return newCommit({
      repo: item.repo,
      id: this.#context.ids.next(),
      branch: item.branch,
      time,
      origin: 'user',
      by: item.request.actor,
      description: item.description,
      parents: parent.id === null ? [] : [{ id: parent.id, depth: parent.depth }],
      tree: parent.tree,
    });
  }

  /** What an item leans on may have been collected while it was on its way. */
  #explain(item: Waiting, error: unknown): unknown {
    return explainGone(this.#context.journal.state, item.session, error);
  }

  /** Makes uploaded packs live although no commit names them yet, so that the next try finds what is in them. */
  async #keepPacks(packs: AddedPacks): Promise<void> {
    await this.#context.journal.transact(() => ({ operations: [packs], result: null }), {
      actor: 'engine',
    });
  }
}

type Finish = Extract<Operation, { kind: 'commit.finished' }>;

function decideCommit(
  state: State,
  prepared: {
    readonly commit: CommitRecord;
    readonly before: string | null;
    readonly finish: Finish;
    readonly history: string;
  },
): { operations: Operation[]; result: CommitRecord } {
  const { commit, before, finish, history } = prepared;
  const { repo, branch } = commit;
  checkWritable(state, { repo, branch });
  const current = state.branches.get(branchKey(repo, branch));
  if ((current?.head ?? null) !== before || historyOf(state, repo) !== history) {
    throw headMoved(branch);
  }
  return compose(state, (draft) => {
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
    propagate(draft, [{ ref: { repo, branch }, commit: commit.id }], {
      set: commit.id,
      time: finish.time,
    });
    return draft.state.commits.get(commitKey(repo, commit.id)) ?? commit;
  });
}

function decideEdit(
  state: State,
  item: Waiting,
  before: CommitRecord,
): { operations: Operation[]; result: CommitRecord } {
  const { repo, branch, edits } = item;
  checkWritable(state, { repo, branch });
  const current = openHead(state, repo, branch);
  if (current?.id !== before.id || current.edits.length !== before.edits.length) {
    throw headMoved(branch);
  }
  return {
    operations: [{ kind: 'commit.edited', repo, commit: before.id, edits }],
    result: { ...current, edits: [...current.edits, ...edits] },
  };
}

/** Returns why an item can't be taken now. */
function problemWith(item: Waiting, open: CommitRecord | undefined): EngineError | undefined {
  if (open && item.own) {
    return openThere(item.branch, open);
  }
  return item.commit === undefined || item.commit === open?.id
    ? undefined
    : new EngineError(
        'failed_precondition',
        `Cannot put into commit "${item.commit}": it is not open any more; put into its branch "${item.branch}" instead`,
      );
}

/** Takes over an item's session unless that was done before; refuses an item whose session has failed. */
function absorb(session: WriteSession, item: Waiting): boolean {
  try {
    if (!item.staged) {
      session.absorb(item.session);
    }
    return true;
  } catch (error) {
    refuse(item, error);
    return false;
  }
}

function refuse(item: Waiting, error: unknown): void {
  item.session.discard();
  item.reject(error);
}

function headMoved(branch: string): EngineError {
  return new EngineError('conflict', `Cannot commit to branch "${branch}": its head moved`, {
    details: { reason: HEAD_MOVED },
  });
}

function isHeadMoved(error: unknown): boolean {
  return isEngineError(error, 'conflict') && error.details.reason === HEAD_MOVED;
}
