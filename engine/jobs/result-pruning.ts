// Letting datum results go that no job needs any more. A repo of results has those of all datums that were ever processed;
// where the settings of the outputs' repo let jobs go, results go that only those jobs had.

import { isEngineError } from '../base/errors.ts';
import { compose } from '../journal/compose.ts';
import {
  type CommitRecord,
  isTerminal,
  type JobRecord,
  metaRepo,
  type PipelineKey,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { listCommits } from '../pfs/commit-list.ts';
import { lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { writeGitCommit } from '../pfs/git-commit.ts';
import { IdSet } from '../pfs/id-set.ts';
import { demand, historyOf, isMoved } from '../pfs/settled.ts';
import type { SessionPacks, WriteSession } from '../pfs/write-session.ts';
import { allDatums, datumChanges, type JobInputs, loadJobInputs } from './job-inputs.ts';
import { listJobs } from './job-lookup.ts';
import { keepResults } from './results.ts';
import { SessionWriter } from './session-writer.ts';

export interface PruneOptions {
  /** Jobs that are about to go, or have gone. */
  readonly gone: ReadonlySet<string>;
  readonly dryRun: boolean;
  /** Called between small pieces of work; rejects where the work must end. */
  readonly step: () => Promise<void>;
}

/** Prunes the results of pipelines, each again only once its jobs have changed. */
export class ResultPruning {
  readonly #context: PfsContext;
  /** What the state was when nothing was left to be pruned. */
  readonly #done = new Map<PipelineKey, string>();

  constructor(context: PfsContext) {
    this.#context = context;
  }

  /**
   * Lets the results of a pipeline go that no job needs; returns of how many datums, or with `dryRun` would be. A pipeline
   * that is at work, or of whose jobs some can't be told what they had, is left for another time.
   */
  async prune(pipeline: PipelineKey, options: PruneOptions): Promise<number> {
    const { state } = this.#context.journal;
    const ground = groundOf(state, pipeline);
    if (ground === undefined || this.#done.get(pipeline) === ground) {
      return 0;
    }
    const needed = await neededHashes(this.#context, pipeline, options);
    const isNeeded = (hash: string) => needed?.hasHex(short(hash)) ?? true;
    const session = this.#context.newSession();
    try {
      const { commits, count } = await rewrite(this.#context, session, {
        pipeline,
        isNeeded,
        step: options.step,
      });
      if (options.dryRun || commits.length === 0) {
        session.discard();
      } else {
        const packs = await session.finish();
        await this.#commit(pipeline, { ground, commits, packs });
      }
      if (!options.dryRun) {
        this.#done.set(pipeline, groundOf(state, pipeline) ?? '');
      }
      return count;
    } catch (error) {
      session.discard();
      if (isMoved(error)) {
        return 0;
      }
      throw error;
    }
  }

  async #commit(
    pipeline: PipelineKey,
    change: {
      readonly ground: string;
      readonly commits: readonly CommitRecord[];
      readonly packs: SessionPacks;
    },
  ): Promise<void> {
    const { ground, commits, packs } = change;
    const repo = metaRepo(pipeline);
    await this.#context.journal.transact(
      (state) => {
        // A job that begins later finds what is left; one that is under way may have found what goes.
        demand(groundOf(state, pipeline) === ground);
        return compose(state, (draft) => {
          draft.add({ kind: 'packs.added', repo, ...packs });
          for (const commit of commits) {
            draft.add({ kind: 'commit.rewritten', commit });
          }
          return null;
        });
      },
      { actor: 'engine' },
    );
  }
}

/** Says which jobs a pipeline has and that none is under way; undefined where one is, or there is no such pipeline. */
function groundOf(state: State, pipeline: PipelineKey): string | undefined {
  const repo = metaRepo(pipeline);
  const record = state.pipelines.get(pipeline);
  const isOpen = [...state.commits.keysBy('repo', repo)].some(
    (key) => state.commits.get(key)?.finished === null,
  );
  const isBusy = [...state.jobs.keysBy('pipeline', pipeline)].some((key) => {
    const job = state.jobs.get(key);
    return job !== undefined && !isTerminal(job.state);
  });
  return record === undefined || !state.repos.has(repo) || isOpen || isBusy
    ? undefined
    : [
        record.id,
        record.lastJob?.id ?? '',
        historyOf(state, repo),
        historyOf(state, pipeline),
      ].join(' ');
}

/** Returns the hashes of all datums of all jobs that stay; undefined where that can't be told. */
async function neededHashes(
  context: PfsContext,
  pipeline: PipelineKey,
  { gone, step }: PruneOptions,
): Promise<IdSet | undefined> {
  const needed = new IdSet();
  let newer: JobInputs | undefined;
  for await (const job of listJobs(context, pipeline)) {
    if (gone.has(job.id)) {
      continue;
    }
    const inputs = await inputsOf(context, job);
    if (inputs === undefined) {
      continue;
    }
    if (inputs.missing.length > 0) {
      return undefined;
    }
    // From one job to the next at the cost of what differs.
    const datums = newer
      ? addedDatums(context, { old: newer, now: inputs })
      : allDatums(context, inputs);
    for await (const { hash } of datums) {
      await step();
      needed.addHex(short(hash));
    }
    newer = inputs;
  }
  return needed;
}

/** Returns what a job read; undefined where its output is no more. */
async function inputsOf(context: PfsContext, job: JobRecord): Promise<JobInputs | undefined> {
  try {
    return await loadJobInputs(context, job);
  } catch (error) {
    if (isEngineError(error, 'not_found')) {
      return undefined;
    }
    throw error;
  }
}

async function* addedDatums(
  context: PfsContext,
  jobs: { readonly old: JobInputs; readonly now: JobInputs },
) {
  for await (const { kind, datum } of datumChanges(context, jobs)) {
    if (kind === 'added') {
      yield datum;
    }
  }
}

/** Writes the commits of results that hold some that nobody needs anew, and those above them; the oldest first. */
async function rewrite(
  context: PfsContext,
  session: WriteSession,
  work: {
    readonly pipeline: PipelineKey;
    readonly isNeeded: (hash: string) => boolean;
    readonly step: () => Promise<void>;
  },
): Promise<{ commits: CommitRecord[]; count: number }> {
  const { pipeline, isNeeded, step } = work;
  const repo = metaRepo(pipeline);
  const all: CommitRecord[] = [];
  for await (const commit of listCommits(context, repo)) {
    all.push(commit);
  }
  const writer = new SessionWriter(session);
  const rewritten = new Map<string, CommitRecord>();
  const gone = new Set<string>();
  for (const commit of all.reverse()) {
    await step();
    if (commit.finished === null || commit.error !== null || commit.tree === null) {
      continue;
    }
    const tree = await keepResults(writer, commit.tree, (hash) => {
      const stays = isNeeded(hash);
      if (!stays) {
        gone.add(short(hash));
      }
      return stays;
    });
    const parent = await lastGood(context, repo, commit.parent);
    const below = parent && rewritten.get(parent.id);
    if (tree !== commit.tree || below) {
      const written = await writeGitCommit(session, commit, {
        tree,
        parent: (below ?? parent)?.git ?? null,
        time: commit.finished,
        description: commit.description,
      });
      rewritten.set(commit.id, { ...commit, ...written });
    }
  }
  return { commits: [...rewritten.values()], count: gone.size };
}

/** As much of a hash as a set of ids holds. */
function short(hash: string): string {
  return hash.slice(0, 40);
}
