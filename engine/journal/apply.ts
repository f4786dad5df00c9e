// The fold: one operation into the state, in place. Deterministic, and the only code that changes the state. It
// refuses what must never be, whoever asked: that is what makes several engines on one bucket safe.

import { EngineError } from '../base/errors.ts';
import { foldAuth, forgetGrants } from './auth-fold.ts';
import { foldEgress } from './egress-fold.ts';
import { countJob } from './job-count.ts';
import { foldPacks } from './live-packs.ts';
import type { Operation } from './operations.ts';
import {
  branchKey,
  type CommitRecord,
  commitKey,
  isTerminal,
  type JobRecord,
  jobKey,
  projectScope,
  tagKey,
} from './records.ts';
import { noteLag, removeCommit, removeJob, reshape } from './removal.ts';
import type { TransactionRecord } from './requests.ts';
import { foldSecret } from './secret-fold.ts';
import type { State } from './state.ts';
import { deleteRepo, foldTrash, keepInTrash, trashedIn } from './trash.ts';

/** While a transaction is being composed nobody knows which entry it will be in. */
const COMPOSED = { seq: 0, time: 0 };

/**
 * Folds `operation` of an entry into `state`; the entry's number is 0 while a transaction is being composed. Rejects an impossible one with `conflict`, `not_found` or `already_exists`, before
 * anything changed; throws `failed_precondition` for a kind that this version does not know.
 */
export function apply(
  state: State,
  operation: Operation,
  entry: { readonly seq: number; readonly time: number } = COMPOSED,
): void {
  const { seq } = entry;
  switch (operation.kind) {
    case 'repo.created': {
      const { repo } = operation;
      if (state.repos.has(repo.key)) {
        throw new EngineError(
          'already_exists',
          `Cannot create repo "${repo.key}": it already exists`,
        );
      }
      state.repos.set(repo.key, repo);
      return;
    }
    case 'repo.retention': {
      const repo = present(state.repos.get(operation.repo), 'repo', operation.repo);
      const { keep: _keep, ...rest } = repo;
      state.repos.set(repo.key, operation.keep ? { ...rest, keep: operation.keep } : rest);
      return;
    }
    case 'repo.described': {
      const repo = present(state.repos.get(operation.repo), 'repo', operation.repo);
      state.repos.set(repo.key, { ...repo, description: operation.description });
      return;
    }
    case 'repo.deleted':
      deleteRepo(state, present(state.repos.get(operation.repo), 'repo', operation.repo), entry);
      return;
    case 'branch.put': {
      const { branch } = operation;
      present(state.repos.get(branch.repo), 'repo', branch.repo);
      state.branches.set(branchKey(branch.repo, branch.name), branch);
      return;
    }
    case 'branch.moved': {
      const key = branchKey(operation.repo, operation.branch);
      const branch = present(state.branches.get(key), 'branch', key);
      state.branches.set(key, { ...branch, head: operation.head });
      return;
    }
    case 'branch.deleted': {
      const key = branchKey(operation.repo, operation.branch);
      const branch = state.branches.get(key);
      const repo = state.repos.get(operation.repo);
      state.branches.delete(key);
      if (branch && repo) {
        keepInTrash(state, { kind: 'branch', repoId: repo.id, branch, ...trashedIn(entry) });
      }
      return;
    }
    case 'repo.undeleted':
    case 'branch.undeleted':
    case 'commit.undeleted':
    case 'trash.emptied':
      foldTrash(state, operation);
      return;
    case 'commit.started': {
      const { commit } = operation;
      const key = commitKey(commit.repo, commit.id);
      present(state.repos.get(commit.repo), 'repo', commit.repo);
      // A finished one may have been retired by some engines and not by others: only an open one may refuse.
      if (state.commits.get(key)?.finished === null) {
        throw new EngineError('already_exists', `Cannot start commit "${key}": it already exists`);
      }
      state.commits.set(key, commit);
      noteLag(state, commit);
      if (commit.merged !== undefined) {
        reshape(state, present(state.repos.get(commit.repo), 'repo', commit.repo));
      }
      return;
    }
    case 'commit.edited': {
      const commit = openCommit(state, operation.repo, operation.commit);
      state.commits.set(commitKey(commit.repo, commit.id), {
        ...commit,
        edits: [...commit.edits, ...operation.edits],
      });
      return;
    }
    case 'commit.finished': {
      const commit = openCommit(state, operation.repo, operation.commit);
      state.commits.set(commitKey(commit.repo, commit.id), {
        ...commit,
        finished: operation.time,
        tree: operation.tree,
        git: operation.git,
        size: operation.size,
        files: operation.files,
        error: operation.error,
        description: operation.description ?? commit.description,
        image: operation.image ?? commit.image,
        edits: [],
      });
      return;
    }
    case 'commit.recalled':
    case 'commit.rewritten': {
      const { commit } = operation;
      state.commits.set(commitKey(commit.repo, commit.id), commit);
      if (operation.kind === 'commit.rewritten') {
        reshape(state, present(state.repos.get(commit.repo), 'repo', commit.repo));
      }
      return;
    }
    case 'commit.removed':
      removeCommit(state, present(state.repos.get(operation.repo), 'repo', operation.repo), {
        ...operation,
        entry,
      });
      return;
    case 'tag.put': {
      const { tag } = operation;
      present(state.repos.get(tag.repo), 'repo', tag.repo);
      state.tags.set(tagKey(tag.repo, tag.name), tag);
      return;
    }
    case 'tag.deleted':
      state.tags.delete(tagKey(operation.repo, operation.tag));
      return;
    case 'project.put':
      state.projects.set(operation.project.name, operation.project);
      return;
    case 'project.deleted':
      state.projects.delete(operation.project);
      forgetGrants(state, projectScope(operation.project));
      return;
    case 'defaults.put':
      state.defaults.set(operation.defaults.scope, operation.defaults);
      return;
    case 'defaults.deleted':
      state.defaults.delete(operation.scope);
      return;
    case 'packs.added':
    case 'packs.compacted':
    case 'packs.collected':
    case 'packs.restored':
    case 'packs.deleted':
    case 'packs.horizon':
    case 'upkeep.claimed':
    case 'upkeep.finished':
      foldPacks(state, operation, seq);
      return;
    case 'history.collected':
    case 'format.raised':
      return;
    case 'pipeline.put':
      state.pipelines.set(operation.pipeline.key, operation.pipeline);
      return;
    case 'pipeline.state': {
      const key = operation.pipeline;
      const pipeline = present(state.pipelines.get(key), 'pipeline', key);
      state.pipelines.set(key, {
        ...pipeline,
        state: operation.state,
        reason: operation.reason,
      });
      return;
    }
    case 'pipeline.pinned': {
      const key = operation.pipeline;
      const pipeline = present(state.pipelines.get(key), 'pipeline', key);
      if (pipeline.version === operation.version && pipeline.image === null) {
        state.pipelines.set(key, { ...pipeline, image: operation.image });
      }
      return;
    }
    case 'pipeline.ticked': {
      const { pipeline: key, input, time } = operation;
      const pipeline = present(state.pipelines.get(key), 'pipeline', key);
      const crons = (pipeline.crons ?? []).map((cron) =>
        cron.input === input ? { ...cron, ticked: time } : cron,
      );
      state.pipelines.set(key, { ...pipeline, crons });
      return;
    }
    case 'pipeline.hosted': {
      const { pipeline: key, pipelineId, from, host } = operation;
      const pipeline = present(state.pipelines.get(key), 'pipeline', key);
      if (pipeline.id !== pipelineId || (pipeline.host?.owner ?? null) !== from) {
        throw new EngineError(
          'conflict',
          `Cannot host pipeline "${key}": it was made anew, or another engine hosts it`,
        );
      }
      state.pipelines.set(key, { ...pipeline, host });
      return;
    }
    case 'pipeline.pulled': {
      const { pipeline: key, input, taken, takenTime } = operation;
      const pipeline = present(state.pipelines.get(key), 'pipeline', key);
      const gits = (pipeline.gits ?? []).map((git) =>
        git.input === input ? { ...git, taken, takenTime } : git,
      );
      state.pipelines.set(key, { ...pipeline, gits });
      return;
    }
    case 'pipeline.deleted':
      // Jobs in history stay there: their keys hold the pipeline's id, which nothing leads to any more.
      for (const key of [...state.jobs.keysBy('pipeline', operation.pipeline)]) {
        state.jobs.delete(key);
      }
      state.egress.delete(state.pipelines.get(operation.pipeline)?.id ?? '');
      state.pipelines.delete(operation.pipeline);
      return;
    case 'job.created': {
      const { job } = operation;
      state.jobs.set(jobKey(job.pipeline, job.id), job);
      countJob(state, job);
      return;
    }
    case 'job.claimed': {
      const job = activeJob(state, operation.pipeline, operation.job);
      const takeover = job.owner !== null && job.owner !== operation.owner;
      const next: JobRecord = {
        ...job,
        state: (job.state === 'created' && operation.state) || job.state,
        owner: operation.owner,
        started: job.started ?? operation.time,
        restarts: job.restarts + (takeover ? 1 : 0),
      };
      state.jobs.set(jobKey(job.pipeline, job.id), next);
      countJob(state, next, job);
      return;
    }
    case 'job.progressed': {
      const job = activeJob(state, operation.pipeline, operation.job);
      if (job.owner !== operation.owner) {
        throw new EngineError(
          'conflict',
          `Cannot record progress of job "${jobKey(job.pipeline, job.id)}": another engine runs it now`,
        );
      }
      const next: JobRecord = {
        ...job,
        state: operation.state,
        datums: operation.datums,
        stats: operation.stats,
        results: operation.results,
        image: operation.image,
      };
      state.jobs.set(jobKey(job.pipeline, job.id), next);
      countJob(state, next, job);
      return;
    }
    case 'job.finished': {
      const job = activeJob(state, operation.pipeline, operation.job);
      const next: JobRecord = {
        ...job,
        state: operation.state,
        reason: operation.reason,
        finished: operation.time,
        owner: null,
        datums: operation.datums ?? job.datums,
        stats: operation.stats ?? job.stats,
        results: operation.results === undefined ? job.results : operation.results,
      };
      state.jobs.set(jobKey(job.pipeline, job.id), next);
      countJob(state, next, job);
      return;
    }
    case 'job.removed':
      removeJob(
        state,
        present(state.pipelines.get(operation.pipeline), 'pipeline', operation.pipeline),
        operation,
      );
      return;
    case 'egress.noted':
      foldEgress(state, operation);
      return;
    case 'secret.put':
    case 'secret.deleted':
      foldSecret(state, operation);
      return;
    case 'user.put':
    case 'user.deleted':
    case 'token.put':
    case 'token.revoked':
    case 'role.put':
    case 'role.deleted':
      foldAuth(state, operation);
      return;
    case 'transaction.started': {
      const { transaction } = operation;
      state.transactions.set(transaction.id, transaction);
      return;
    }
    case 'transaction.appended': {
      const transaction = openTransaction(state, operation.transaction);
      if (transaction.requests.length !== operation.index) {
        throw new EngineError(
          'conflict',
          `Cannot add to transaction "${transaction.id}": another request was added meanwhile`,
        );
      }
      const requests = [...transaction.requests, operation.request];
      state.transactions.set(transaction.id, { ...transaction, requests });
      return;
    }
    case 'transaction.ended':
      state.transactions.delete(openTransaction(state, operation.transaction).id);
      return;
    default: {
      const unknown: never = operation;
      throw new EngineError(
        'failed_precondition',
        `Cannot read the journal: it holds an operation "${(unknown as Operation).kind}" that this version of the engine does not know; use the newer version that wrote it`,
      );
    }
  }
}

function present<T>(record: T | undefined, kind: string, key: string): T {
  if (record === undefined) {
    throw new EngineError('not_found', `Cannot find ${kind} "${key}": it does not exist`);
  }
  return record;
}

function openCommit(state: State, repo: string, id: string): CommitRecord {
  const commit = state.commits.get(commitKey(repo, id));
  if (commit === undefined || commit.finished !== null) {
    throw new EngineError(
      'conflict',
      `Cannot change commit "${commitKey(repo, id)}": it has already finished or was deleted`,
    );
  }
  return commit;
}

function activeJob(state: State, pipeline: string, id: string): JobRecord {
  const job = state.jobs.get(jobKey(pipeline, id));
  if (job === undefined || isTerminal(job.state)) {
    throw new EngineError(
      'conflict',
      `Cannot change job "${jobKey(pipeline, id)}": it has already ended or was deleted`,
    );
  }
  return job;
}

function openTransaction(state: State, id: string): TransactionRecord {
  const transaction = state.transactions.get(id);
  if (transaction === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot find transaction ${id}: it was finished or deleted meanwhile; pfs list-transaction shows those that are open`,
    );
  }
  return transaction;
}
