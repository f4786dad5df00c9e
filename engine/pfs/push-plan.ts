// What a push brings, read before anything is stored: the new commits of Git, parents first, and the records that are to
// stand for them. It changes nothing.

import { EngineError } from '../base/errors.ts';
import { readCommitHeader } from '../git/commit-header.ts';
import type { IncomingPack } from '../git/incoming-pack.ts';
import type { CommitRecord, RepoKey } from '../journal/records.ts';
import { listCommits } from './commit-list.ts';
import { findCommit } from './commit-lookup.ts';
import type { PfsContext } from './context.ts';
import { newCommit } from './new-commit.ts';
import type { Owned, PushedCommit } from './pushed-objects.ts';
import type { RefUpdate } from './ref-update.ts';

/** What is asked for: updates of branches and tags of a repo, and what they need. */
export interface Push {
  readonly repo: RepoKey;
  readonly updates: readonly RefUpdate[];
  /** Absent where nothing new is sent. */
  readonly pack: IncomingPack | undefined;
  readonly owned: Owned;
}

/** Commits of one push: bounds the transaction. */
const MOST_COMMITS = 20_000;

/** What a push adds to its repo. */
export interface PushPlan {
  /** New commits, parents first. */
  readonly fresh: readonly PushedCommit[];
  /** Commits of the repo by their Git commits, the new ones included. */
  readonly records: ReadonlyMap<string, CommitRecord>;
  /** The id of the last new commit: what it causes has it, too. */
  readonly set: string | undefined;
}

/** Reads what is pushed, and plans a record for each new commit. Rejects with `invalid` what the repo can't take. */
export async function planPush(
  context: PfsContext,
  { repo, updates, pack }: Push,
  by: string,
): Promise<PushPlan> {
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
