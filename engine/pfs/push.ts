// A push: branches and tags move to commits of Git, all of them in one transaction. Each new commit of Git becomes one
// of the repo, with its history, and what reads a branch runs once, for its new head.

import { EngineError, isEngineError } from '../base/errors.ts';
import { readCommitHeader } from '../git/commit-header.ts';
import type { IncomingPack } from '../git/incoming-pack.ts';
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
import { listCommits } from './commit-list.ts';
import { findCommit } from './commit-lookup.ts';
import type { PfsContext, Request } from './context.ts';
import type { FinishedTree } from './git-commit.ts';
import { checkBranchName } from './names.ts';
import { newCommit } from './new-commit.ts';
import { type Owned, type PushedCommit, PushedObjects } from './pushed-objects.ts';
import { demandSameHistory, historyOf, untilSettled } from './settled.ts';
import { checkTagName, deleteTagIn, putTagIn } from './tags.ts';

/** One branch or tag that is to be made, moved or deleted. */
export interface RefUpdate {
  /** As Git names it: `refs/heads/…` or `refs/tags/…`. */
  readonly ref: string;
  /** The Git commit it is known to show; null: it is not there. */
  readonly old: string | null;
  /** The Git commit it shall show; null: it goes. */
  readonly next: string | null;
}

export interface Push {
  readonly repo: RepoKey;
  readonly updates: readonly RefUpdate[];
  /** Absent where nothing new is sent. */
  readonly pack: IncomingPack | undefined;
  readonly owned: Owned;
}

/** Commits of one push: bounds the transaction. */
const MOST_COMMITS = 20_000;
const MOVED = 'it has changed meanwhile; fetch first';

/** Returns why an update can't be made as it is written; undefined where it can. */
export function problemWith({ ref, next }: RefUpdate): string | undefined {
  const [, kind = '', name = ''] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  if (kind === '') {
    return 'only branches and tags are kept';
  }
  try {
    if (next !== null) {
      (kind === 'heads' ? checkBranchName : checkTagName)(name);
    }
    return undefined;
  } catch (error) {
    if (isEngineError(error)) {
      return error.message;
    }
    throw error;
  }
}

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

interface Plan {
  /** New commits, parents first. */
  readonly fresh: readonly PushedCommit[];
  /** Commits of the repo by their Git commits, the new ones included. */
  readonly records: ReadonlyMap<string, CommitRecord>;
  /** The id of the last new commit: what it causes has it, too. */
  readonly set: string | undefined;
}

async function planPush(
  context: PfsContext,
  { repo, updates, pack }: Push,
  by: string,
): Promise<Plan> {
  const found = new Map<string, PushedCommit>();
  const known = new Set<string>();
  const open = updates.flatMap(({ next }) => next ?? []);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id) || known.has(id)) {
      continue;
    }
    const kind = pack?.kindOf(id);
    if (kind === 'tag') {
      throw new EngineError(
        'invalid',
        'Cannot take an annotated tag: tags are plain names here; make it with git tag <name> <commit>',
      );
    }
    if (pack === undefined || kind !== 'commit') {
      known.add(id);
      continue;
    }
    const { content } = await pack.read(id);
    const { tree, parents } = headerOf(id, content);
    found.set(id, { id, content, tree, parents });
    open.push(...parents);
    if (found.size > MOST_COMMITS) {
      throw new EngineError(
        'invalid',
        `Cannot take more than ${MOST_COMMITS} commits at once; push an older commit first: git push <remote> <commit>:refs/heads/<branch>`,
      );
    }
  }
  const records = await recordsOf(context, repo, known);
  const fresh = parentsFirst(found);
  const time = context.clock.now();
  let set: string | undefined;
  for (const commit of fresh) {
    set = context.ids.next();
    records.set(commit.id, newRecord({ repo, id: set, commit, records, time, by }));
  }
  return { fresh, records, set };
}

function headerOf(id: string, content: Buffer) {
  try {
    return readCommitHeader(content);
  } catch (error) {
    throw notOne(id, error);
  }
}

function notOne(id: string, cause: unknown): EngineError {
  const message = `Cannot take commit ${id}: it is none that Git would make`;
  return new EngineError('invalid', message, { cause });
}

function parentsFirst(commits: ReadonlyMap<string, PushedCommit>): PushedCommit[] {
  const order = new Map<string, PushedCommit>();
  for (const start of commits.values()) {
    const open = [start];
    for (let commit = open.at(-1); commit; commit = open.at(-1)) {
      const above = commit.parents.flatMap((id) => (order.has(id) ? [] : (commits.get(id) ?? [])));
      if (above.length === 0) {
        order.set(commit.id, commit);
        open.pop();
      } else {
        open.push(...above);
      }
    }
  }
  return [...order.values()];
}

/** Returns the commits that stand for these of Git; `invalid` where the repo has no such one. */
async function recordsOf(
  context: PfsContext,
  repo: RepoKey,
  wanted: ReadonlySet<string>,
): Promise<Map<string, CommitRecord>> {
  const records = new Map<string, CommitRecord>();
  const missing = new Set(wanted);
  const take = (record: CommitRecord | undefined) => {
    if (record?.git && missing.delete(record.git)) {
      records.set(record.git, record);
    }
  };
  for (const id of wanted) {
    const stat = await context.packs.find(id);
    if (stat?.entry.kind === 'commit') {
      const { trailers } = await context.objects.readCommit(id);
      const own = trailers.find(({ key }) => key === 'Pfs-Commit')?.value;
      take(own === undefined ? undefined : await findCommit(context, repo, own));
    }
  }
  for await (const record of missing.size > 0 ? listCommits(context, repo) : []) {
    take(record);
    if (missing.size === 0) {
      break;
    }
  }
  const [first] = missing;
  if (first !== undefined) {
    throw new EngineError(
      'invalid',
      `Cannot take what was pushed: commit ${first} was not sent, and the repo lacks it; git fetch --unshallow may help`,
    );
  }
  return records;
}

function newRecord(made: {
  readonly repo: RepoKey;
  readonly id: string;
  readonly commit: PushedCommit;
  readonly records: ReadonlyMap<string, CommitRecord>;
  readonly time: number;
  readonly by: string;
}): CommitRecord {
  const { repo, id, commit, records, time, by } = made;
  const parents = commit.parents.flatMap((git) => records.get(git) ?? []);
  const text = commit.content.toString('utf8');
  return newCommit({
    repo,
    id,
    // Its own is known once a branch takes it up.
    branch: '',
    time,
    origin: 'user',
    by,
    description: text.slice(text.indexOf('\n\n') + 2).trim(),
    parents,
  });
}

function storeAll(change: Change, { repo, pack, owned }: Push, { fresh }: Plan) {
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
  readonly plan: Plan;
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
