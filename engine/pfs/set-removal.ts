// What dropping and squashing a commit set have in common: the rules that both obey, what they must know of the sets
// around, and the operations that take a set away.

import { EngineError } from '../base/errors.ts';
import type { Draft } from '../journal/compose.ts';
import { jobHistoryKey } from '../journal/history-keys.ts';
import {
  type CommitRecord,
  commitKey,
  type JobRecord,
  jobKey,
  type PipelineRecord,
  type RepoKey,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { JobState } from '../journal/states.ts';
import type { Change } from './change.ts';
import { getCommit, listSet } from './commit-lookup.ts';
import { commitsAfter, parentsOf } from './commit-scan.ts';
import type { PfsContext } from './context.ts';
import { shortRepo } from './names.ts';
import { reads, setsMadeFrom } from './set-readers.ts';
import { demand, historyOf, isMoved } from './settled.ts';
import { tagsOf } from './tags.ts';

/** A commit of the set, with what was found around it. */
export interface Member {
  readonly commit: CommitRecord;
  /** The commits that have it as a parent. */
  readonly children: readonly CommitRecord[];
  /** Where commits below are to go on: the parent, or above it the nearest that stays. */
  readonly parent: CommitRecord | undefined;
}

/** The job that made a commit of the set. */
interface MemberJob {
  readonly job: JobRecord;
  readonly before: PipelineRecord['lastJob'];
  readonly lastJob: PipelineRecord['lastJob'];
}

/** A set that is to be removed. Close it: it follows the journal to notice commits that are made meanwhile. */
export interface Removal {
  readonly id: string;
  readonly members: readonly Member[];
  readonly jobs: readonly MemberJob[];
  /** What must still hold of each repo when the set is removed; see {@link historyOf}. */
  readonly histories: Map<RepoKey, string>;
  /** The commits that were started since the sets around were read. */
  readonly started: readonly CommitRecord[];
  close(): void;
}

/** What is being done, for messages. */
export type Verb = 'delete' | 'squash';

/**
 * Finds out what is needed to remove a commit set. Rejects with `not_found`, or with `failed_precondition` where the set
 * must stay: it made a version of a pipeline, a tag names a commit of it, or another set was made from it.
 */
export async function prepareRemoval(
  context: PfsContext,
  id: string,
  verb: Verb,
): Promise<Removal> {
  const started: CommitRecord[] = [];
  const close = context.journal.subscribe(({ transactions }) => {
    for (const { operations } of transactions) {
      for (const operation of operations as { kind: string; commit?: CommitRecord }[]) {
        if (operation.kind === 'commit.started' && operation.commit) {
          started.push(operation.commit);
        }
      }
    }
  });
  try {
    const { state } = context.journal;
    const commits = await listSet(context, id);
    if (commits.length === 0) {
      throw new EngineError(
        'not_found',
        `Cannot find commit set ${id}; pfs list-commit shows them`,
      );
    }
    const histories = new Map(commits.map(({ repo }) => [repo, historyOf(state, repo)]));
    refuseSpecs(commits, id, verb);
    refuseTagged(state, commits, verb);
    const members: Member[] = [];
    for (const commit of commits) {
      const children: CommitRecord[] = [];
      for await (const other of commitsAfter(context, commit.repo, id)) {
        if (parentsOf(other).includes(id)) {
          children.push(other);
        }
      }
      const { repo, parent } = commit;
      members.push({
        commit,
        children,
        parent: parent === null ? undefined : await getCommit(context, repo, parent),
      });
    }
    await refuseReaders(context, commits, { id, verb });
    const jobs = await jobsOf(context, commits);
    return { id, members, jobs, histories, started, close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Returns, within a change, what was prepared for the removal of a set, once it holds on the state as it will be. `prepare`
 * does the I/O; what it returns is let go of at the end of the change.
 */
export function preparedRemoval<T extends { readonly removal: Removal }>(
  change: Change,
  options: {
    readonly id: string;
    readonly verb: Verb;
    readonly prepare: () => Promise<T>;
    readonly check: (prepared: T) => void;
  },
): T {
  const { id, verb, prepare, check } = options;
  return change.facts.findHolding(`${verb} ${id}`, {
    load: prepare,
    check,
    isStale: isMoved,
    close: ({ removal }) => removal.close(),
    message: `Cannot ${verb} commit set ${id}: its repos keep changing, or the same transaction adds to or removes from them; try again, by itself`,
  });
}

/** Refuses the transaction where it would rest on something that has changed since the removal was prepared. */
export function demandPrepared(
  state: State,
  removal: Removal,
  options: { readonly isBelow: (repo: RepoKey, commit: string) => boolean },
): void {
  const { id, histories, jobs, members } = removal;
  for (const [repo, history] of histories) {
    demand(historyOf(state, repo) === history);
  }
  const repos = new Set(members.map(({ commit }) => commit.repo));
  const children = new Set(members.flatMap((member) => member.children.map(keyOf)));
  // The state has what earlier transactions of the same batch start, of which nobody was told yet.
  for (const commit of [...removal.started, ...state.commits.values()]) {
    demand(commit.id === id || !reads(commit, { id, repos }));
    const isKnown = children.has(keyOf(commit)) || options.isBelow(commit.repo, commit.id);
    demand(isKnown || !parentsOf(commit).some((parent) => options.isBelow(commit.repo, parent)));
  }
  for (const { job, before } of jobs) {
    demand(state.pipelines.get(job.pipeline)?.lastJob?.id === before?.id);
  }
  refuseTagged(
    state,
    members.map(({ commit }) => commit),
    'delete',
  );
}

function keyOf({ repo, id }: CommitRecord): string {
  return commitKey(repo, id);
}

/** Adds the operations that take the commits and jobs of the set away; nothing may point at them any more. */
export function removeSet(draft: Draft, removal: Removal): void {
  for (const { job, lastJob } of removal.jobs) {
    const { pipeline, id } = job;
    const now = draft.state.jobs.get(jobKey(pipeline, id))?.state ?? job.state;
    draft.add({ kind: 'job.removed', pipeline, job: id, state: now, lastJob });
  }
  for (const { commit } of removal.members) {
    const { repo, id } = commit;
    const was = commit.finished === null ? {} : { was: commit };
    draft.add({ kind: 'commit.removed', repo, commit: id, ...was });
  }
}

function refuseSpecs(commits: readonly CommitRecord[], id: string, verb: Verb): void {
  const spec = commits.find(({ repo }) => repo.endsWith('.spec'));
  if (spec) {
    throw new EngineError(
      'failed_precondition',
      `Cannot ${verb} commit set ${id}: it made a version of pipeline "${shortRepo(spec.repo).slice(0, -'.spec'.length)}"; it goes with the pipeline`,
    );
  }
}

function refuseTagged(state: State, commits: readonly CommitRecord[], verb: Verb): void {
  for (const { repo, id } of commits) {
    const tag = tagsOf(state, repo).find(({ commit }) => commit === id);
    if (tag) {
      const name = `${shortRepo(repo)}@${tag.name}`;
      throw new EngineError(
        'failed_precondition',
        `Cannot ${verb} commit set ${id}: tag ${name} names a commit of it; delete the tag first, with pfs delete-tag ${name}`,
      );
    }
  }
}

/** Refuses where commits of other sets were made from commits of this one. */
async function refuseReaders(
  context: PfsContext,
  commits: readonly CommitRecord[],
  { id, verb }: { readonly id: string; readonly verb: Verb },
): Promise<void> {
  const sets = await setsMadeFrom(context, commits, id);
  if (sets.size > 0) {
    const [first] = sets;
    const others = sets.size === 1 ? '' : ` and ${sets.size - 1} more`;
    throw new EngineError(
      'failed_precondition',
      `Cannot ${verb} commit set ${id}: commit set ${first}${others} was made from it; ${verb} that first`,
      { details: { sets: [...sets].slice(0, 100) } },
    );
  }
}

async function jobsOf(context: PfsContext, commits: readonly CommitRecord[]): Promise<MemberJob[]> {
  const { jobs, pipelines } = context.journal.state;
  const found: MemberJob[] = [];
  for (const { repo, id } of commits) {
    const pipeline = pipelines.get(repo);
    const job =
      pipeline &&
      (jobs.get(jobKey(repo, id)) ??
        (await context.history<JobRecord>(jobHistoryKey(pipeline.id, id))));
    if (job) {
      const before = pipeline.lastJob;
      const lastJob = before?.id === id ? await jobBefore(context, pipeline, id) : before;
      found.push({ job, before, lastJob });
    }
  }
  return found;
}

/** Returns the newest job of a pipeline but this one. */
async function jobBefore(
  context: PfsContext,
  pipeline: PipelineRecord,
  id: string,
): Promise<{ id: string; state: JobState } | null> {
  const { jobs } = context.journal.state;
  let newest: JobRecord | undefined;
  const consider = (job: JobRecord | undefined) => {
    if (job && job.id !== id && (newest === undefined || job.id > newest.id)) {
      newest = job;
    }
  };
  for (const key of jobs.keysBy('pipeline', pipeline.key)) {
    consider(jobs.get(key));
  }
  const retired = context.scanHistory<JobRecord>(jobHistoryKey(pipeline.id, ''), { reverse: true });
  for await (const [, job] of retired) {
    consider(job);
    if (job.id !== id) {
      break;
    }
  }
  return newest ? { id: newest.id, state: newest.state } : null;
}
