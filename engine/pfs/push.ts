// A push: branches and tags move to commits of Git, all of them in one transaction. Each new commit of Git becomes one
// of the repo, with its history, and what reads a branch runs once, for its new head.

import { EngineError } from '../base/errors.ts';
import {
  branchKey,
  type CommitRecord,
  commitKey,
  type RepoKey,
  tagKey,
} from '../journal/records.ts';
import { checkWritable, openHead, openThere } from './branch-rules.ts';
import { deleteBranchIn } from './branches.ts';
import { type Change, makeChange } from './change.ts';
import { commitById, goodCommit } from './commit-facts.ts';
import type { PfsContext, Request } from './context.ts';
import type { FinishedTree } from './git-commit.ts';
import { type Push, type PushPlan, planPush } from './push-plan.ts';
import { type PushedCommit, PushedObjects } from './pushed-objects.ts';
import type { RefUpdate } from './ref-update.ts';
import { demandSameHistory, historyOf, untilSettled } from './settled.ts';
import { deleteTagIn, putTagIn } from './tags.ts';

const MOVED = 'it has changed meanwhile; fetch first';

/**
 * Makes all updates or none. Returns the commits that branches show now, by ref. Rejects with the reason where a branch is an
 * output or has moved, a commit is open there, or something that is pushed can't be stored.
 */
export async function push(
  context: PfsContext,
  asked: Push,
  request: Request,
): Promise<ReadonlyMap<string, CommitRecord>> {
  return await untilSettled(() => pushOnce(context, asked, request));
}

async function pushOnce(
  context: PfsContext,
  asked: Push,
  request: Request,
): Promise<ReadonlyMap<string, CommitRecord>> {
  const { repo, updates } = asked;
  const history = historyOf(context.journal.state, repo);
  const plan = await planPush(context, asked, request.actor);
  return await makeChange(
    context,
    request,
    (change) => {
      // Storing takes its time: records that were read before may have been removed, or written anew.
      demandSameHistory(change.state, repo, history);
      const written = plan.fresh.length > 0 ? storeAll(change, asked, plan) : new Map();
      const heads = new Map<string, CommitRecord>();
      const made = new Set<string>();
      // Branches first: a tag may name a commit that comes with one.
      for (const update of [...updates].sort((a, b) => (a.ref < b.ref ? -1 : 1))) {
        const head = updateRef(change, { repo, update, plan, written, made });
        if (head) {
          heads.set(update.ref, head);
        }
      }
      return heads;
    },
    plan.set === undefined ? {} : { set: plan.set },
  );
}

function storeAll(change: Change, { repo, pack, owned }: Push, { fresh }: PushPlan) {
  return change.store<ReadonlyMap<string, FinishedTree>>(`push ${fresh.at(-1)?.id}`, {
    repos: [repo],
    standIn: new Map(),
    write: async (session) => {
      const written = new Map<string, FinishedTree>();
      if (pack) {
        const objects = new PushedObjects(pack, session, owned);
        for (const commit of fresh) {
          written.set(commit.id, await objects.commit(commit));
        }
      }
      return written;
    },
  });
}

interface Updating {
  readonly repo: RepoKey;
  readonly update: RefUpdate;
  readonly plan: PushPlan;
  readonly written: ReadonlyMap<string, FinishedTree>;
  /** The new commits that an update before has added. */
  readonly made: Set<string>;
}

/** Adds one update to a change; returns the commit that a branch shows then. */
function updateRef(change: Change, updating: Updating): CommitRecord | undefined {
  const { repo, update } = updating;
  const name = update.ref.replace(/^refs\/(heads|tags)\//, '');
  if (update.ref.startsWith('refs/tags/')) {
    updateTag(change, updating, name);
    return undefined;
  }
  const { state } = change;
  const branch = state.branches.get(branchKey(repo, name));
  const shown = goodCommit(change, repo, branch?.head ?? null)?.git ?? null;
  if (shown !== update.old) {
    throw new EngineError('conflict', `Cannot update branch "${name}": ${MOVED}`);
  }
  if (update.next === null) {
    deleteBranchIn(change, { repo, branch: name, force: false });
    return undefined;
  }
  checkWritable(state, { repo, branch: name });
  const open = openHead(state, repo, name);
  if (open) {
    throw openThere(name, open);
  }
  if (!branch) {
    change.add({
      kind: 'branch.put',
      branch: { repo, name, head: null, provenance: [], created: change.time },
    });
  }
  const head = takeUp(change, updating, name);
  change.add({ kind: 'branch.moved', repo, branch: name, head: head.id });
  change.moved({ repo, branch: name }, head.id);
  return head;
}

/** Adds the new commits that lead to what a branch shall show; returns that one. */
function takeUp(change: Change, updating: Updating, branch: string): CommitRecord {
  const { repo, update, plan, written, made } = updating;
  const head = plan.records.get(update.next ?? '');
  if (!head) {
    throw new EngineError('internal', `Cannot update branch "${branch}": its commit was not read`);
  }
  const wanted = ancestors(update.next ?? '', plan.fresh);
  for (const { id } of plan.fresh) {
    const record = plan.records.get(id);
    if (!record || !wanted.has(id) || made.has(id)) {
      continue;
    }
    made.add(id);
    const stored = written.get(id) ?? { tree: null, git: id, size: 0, files: 0 };
    change.add(
      { kind: 'commit.started', commit: { ...record, branch } },
      {
        kind: 'commit.finished',
        repo,
        commit: record.id,
        time: change.time,
        ...stored,
        error: null,
      },
    );
  }
  if (head.finished !== null) {
    // Always: another engine may have retired it already, and must have it back.
    change.add({ kind: 'commit.recalled', commit: head });
  }
  return head;
}

/** Returns a commit and all it comes from among these, which have parents first. */
function ancestors(id: string, commits: readonly PushedCommit[]): ReadonlySet<string> {
  const wanted = new Set([id]);
  for (const commit of [...commits].reverse()) {
    if (wanted.has(commit.id)) {
      for (const parent of commit.parents) {
        wanted.add(parent);
      }
    }
  }
  return wanted;
}

function updateTag(change: Change, { repo, update, plan }: Updating, name: string): void {
  const tag = change.state.tags.get(tagKey(repo, name));
  const shown = tag ? commitById(change, repo, tag.commit).git : null;
  if (shown !== update.old) {
    throw new EngineError('conflict', `Cannot update tag "${name}": ${MOVED}`);
  }
  if (update.next === null) {
    deleteTagIn(change, { repo, name });
    return;
  }
  const planned = plan.records.get(update.next);
  const commit = planned && (change.state.commits.get(commitKey(repo, planned.id)) ?? planned);
  if (!commit || commit.finished === null) {
    throw new EngineError(
      'failed_precondition',
      `Cannot create tag "${name}": no branch has its commit; push the branch first`,
    );
  }
  putTagIn(change, { repo, name, head: commit.id, description: '', force: update.old !== null });
}
