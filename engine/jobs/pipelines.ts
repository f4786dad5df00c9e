// Pipelines: making, changing, stopping, starting and deleting them. Each change is one transaction.

import { EngineError } from '../base/errors.ts';
import { compose, type Draft } from '../journal/compose.ts';
import {
  type BranchRecord,
  type BranchRef,
  branchKey,
  type CommitRecord,
  commitKey,
  metaRepo,
  type PipelineKey,
  type PipelineRecord,
  SYSTEM_BRANCH,
  specRepo,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { type PfsContext, type Request, transactOptions } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import { startCommits } from '../pfs/propagate.ts';
import { readersOf } from '../pfs/repos.ts';
import type { SessionPacks } from '../pfs/write-session.ts';
import { checkContext } from '../pipeline/context-rules.ts';
import { type PipelineSpec, pfsInputs, pipelineKey } from '../pipeline/spec.ts';
import type { ValidatedSpec } from '../pipeline/validate-spec.ts';
import { endJob } from './job-end.ts';
import { resolvePipeline } from './job-lookup.ts';
import { readSpecs, specContext } from './spec-reading.ts';
import { prepareSpecCommit, type SpecCommit } from './spec-repo.ts';

export interface PutPipelines {
  readonly text: string;
  /** For messages. */
  readonly fileName: string;
  readonly project: string;
  /** Change pipelines that exist, and make those that don't; otherwise one that exists is an error. */
  readonly update: boolean;
  /** Give new salts, so that every datum runs again. */
  readonly reprocess: boolean;
}

export interface PutPipeline {
  readonly pipeline: PipelineRecord;
  readonly created: boolean;
  readonly warnings: readonly string[];
}

/**
 * Makes or changes the pipelines of a spec text, all or none; each gets a job on the current heads. Rejects with
 * `invalid` naming file, line, field and remedy, or `already_exists`.
 */
export async function putPipelines(
  context: PfsContext,
  options: PutPipelines,
  request: Request,
): Promise<PutPipeline[]> {
  const batch = readSpecs(options.text, options);
  for (;;) {
    const specs = checkBatch(context.journal.state, batch, options);
    await killJobs(
      context,
      specs.map(({ spec }) => pipelineKey(spec)),
      'all jobs killed because the pipeline was updated',
    );
    const { prepared, packs } = await storeSpecs(context, specs);
    const result = await context.journal.transact((state) => {
      if (!isStillTrue(state, prepared)) {
        return { operations: [], result: null };
      }
      checkBatch(state, batch, options);
      return compose(state, (draft) =>
        prepared.map((one): PutPipeline => {
          const created = !state.pipelines.has(one.key);
          const pipeline = putPipeline(draft, context, { ...one, reprocess: options.reprocess });
          draft.add({ kind: 'packs.added', repo: specRepo(one.key), ...packs });
          return { pipeline, created, warnings: one.warnings };
        }),
      );
    }, transactOptions(request));
    if (result !== null) {
      return result;
    }
  }
}

interface PreparedSpec {
  readonly key: PipelineKey;
  readonly spec: PipelineSpec;
  readonly warnings: readonly string[];
  readonly commit: SpecCommit;
}

async function storeSpecs(
  context: PfsContext,
  specs: readonly ValidatedSpec[],
): Promise<{ prepared: PreparedSpec[]; packs: SessionPacks }> {
  const session = context.newSession();
  try {
    const prepared: PreparedSpec[] = [];
    for (const { spec, document, warnings } of specs) {
      const key = pipelineKey(spec);
      const version = (context.journal.state.pipelines.get(key)?.version ?? 0) + 1;
      const { text } = document;
      const commit = await prepareSpecCommit(context, session, { key, spec, text, version });
      prepared.push({ key, spec, warnings, commit });
    }
    return { prepared, packs: await session.finish() };
  } catch (error) {
    session.discard();
    throw error;
  }
}

/** Checks specs against the state and each other; returns them such that each comes after those it reads from. */
function checkBatch(
  state: State,
  batch: readonly ValidatedSpec[],
  options: PutPipelines,
): ValidatedSpec[] {
  for (const { spec } of batch) {
    const key = pipelineKey(spec);
    if (!options.update && state.pipelines.has(key)) {
      throw new EngineError(
        'already_exists',
        `Cannot create pipeline "${shortRepo(key)}": it already exists; use pfs update-pipeline to change it`,
      );
    }
  }
  return checkContext(batch, specContext(state));
}

/** Returns whether what was prepared still fits: no jobs to kill, no other version meanwhile. */
function isStillTrue(state: State, prepared: readonly PreparedSpec[]): boolean {
  return prepared.every(({ key, commit }) => {
    const head = state.branches.get(branchKey(specRepo(key), SYSTEM_BRANCH))?.head ?? null;
    return head === commit.record.parent && activeJobs(state, key).length === 0;
  });
}

function putPipeline(
  draft: Draft,
  context: PfsContext,
  change: { readonly spec: PipelineSpec; readonly commit: SpecCommit; readonly reprocess: boolean },
): PipelineRecord {
  const { spec, commit, reprocess } = change;
  const { record } = commit;
  const { state } = draft;
  const key = record.repo.replace(/\.spec$/, '');
  const old = state.pipelines.get(key);
  const time = record.started;
  if (old === undefined) {
    createRepos(draft, context, { key, description: spec.description, time });
  } else if (old.spec.output_branch !== spec.output_branch) {
    releaseBranch(draft, { repo: key, branch: String(old.spec.output_branch) });
  }
  const pipeline: PipelineRecord = {
    key,
    id: old?.id ?? record.id,
    version: (old?.version ?? 0) + 1,
    created: old?.created ?? time,
    updated: time,
    state: old?.stopped ? 'paused' : 'running',
    reason: '',
    stopped: old?.stopped ?? false,
    salt: old && !reprocess ? old.salt : context.ids.next(),
    spec,
    specCommit: record.id,
    jobs: old?.jobs ?? {},
    lastJob: old?.lastJob ?? null,
    image: null,
  };
  draft.add({ kind: 'pipeline.put', pipeline }, ...commit.operations);
  if (pipeline.stopped) {
    return pipeline;
  }
  attach(draft, pipeline, { set: record.id, time });
  return pipeline;
}

function createRepos(
  draft: Draft,
  context: PfsContext,
  pipeline: { readonly key: PipelineKey; readonly description: string; readonly time: number },
): void {
  const { key, description, time } = pipeline;
  const repos = [
    { key, kind: 'user' as const, description },
    { key: specRepo(key), kind: 'spec' as const, description: '' },
    { key: metaRepo(key), kind: 'meta' as const, description: '' },
  ];
  for (const repo of repos) {
    draft.add({ kind: 'repo.created', repo: { ...repo, id: context.ids.next(), created: time } });
  }
}

/** Ties the output branch to the inputs, and starts a commit and a job on their current heads. */
function attach(
  draft: Draft,
  pipeline: PipelineRecord,
  cause: { set: string; time: number },
): void {
  const spec = pipeline.spec as unknown as PipelineSpec;
  const provenance: BranchRef[] = [];
  for (const input of pfsInputs(spec.input)) {
    const ref = { repo: `${input.project}/${input.repo}`, branch: input.branch };
    if (!provenance.some((known) => known.repo === ref.repo && known.branch === ref.branch)) {
      provenance.push(ref);
      ensureHead(draft, ref, cause);
    }
  }
  provenance.push({ repo: specRepo(pipeline.key), branch: SYSTEM_BRANCH });
  const outputs = [
    { repo: pipeline.key, name: spec.output_branch },
    { repo: metaRepo(pipeline.key), name: SYSTEM_BRANCH },
  ].map(({ repo, name }): BranchRecord => {
    const old = draft.state.branches.get(branchKey(repo, name));
    return { repo, name, head: old?.head ?? null, provenance, created: old?.created ?? cause.time };
  });
  for (const branch of outputs) {
    draft.add({ kind: 'branch.put', branch });
  }
  startCommits(draft, outputs, cause);
}

/** Makes an input branch that does not exist, or has no commit, begin with an empty one. */
function ensureHead(draft: Draft, ref: BranchRef, cause: { set: string; time: number }): void {
  const { state } = draft;
  const old = state.branches.get(branchKey(ref.repo, ref.branch));
  if ((old?.head ?? null) !== null) {
    return;
  }
  const { repo, branch } = ref;
  const { set: id, time } = cause;
  if (state.commits.has(commitKey(repo, id))) {
    return;
  }
  draft.add({
    kind: 'branch.put',
    branch: { repo, name: branch, head: null, provenance: [], created: time, ...old },
  });
  const commit: CommitRecord = {
    repo,
    id,
    branch,
    parent: null,
    depth: 0,
    origin: 'auto',
    description: '',
    started: time,
    finished: null,
    error: null,
    provenance: [],
    tree: null,
    git: null,
    size: 0,
    files: 0,
    edits: [],
    pipeline: null,
    image: null,
  };
  const nothing = { tree: null, git: null, size: 0, files: 0 };
  draft.add(
    { kind: 'commit.started', commit },
    { kind: 'commit.finished', repo, commit: id, time, ...nothing, error: null },
    { kind: 'branch.moved', repo, branch, head: id },
  );
}

function releaseBranch(draft: Draft, ref: BranchRef): void {
  const branch = draft.state.branches.get(branchKey(ref.repo, ref.branch));
  if (branch) {
    draft.add({ kind: 'branch.put', branch: { ...branch, provenance: [] } });
  }
}

/** Stops a pipeline: its jobs end, and new commits on its inputs cause nothing until it is started. */
export async function stopPipeline(
  context: PfsContext,
  key: PipelineKey,
  request: Request,
): Promise<PipelineRecord> {
  resolvePipeline(context, key);
  const result = await context.journal.transact((state) => {
    const pipeline = resolvePipeline(context, key);
    return compose(state, (draft) => {
      releaseOutputs(draft, pipeline);
      const stopped: PipelineRecord = { ...pipeline, stopped: true, state: 'paused', reason: '' };
      draft.add({ kind: 'pipeline.put', pipeline: stopped });
      return stopped;
    });
  }, transactOptions(request));
  await killJobs(context, [key], 'all jobs killed because the pipeline was stopped');
  return result;
}

/** Starts a stopped pipeline again, with one job on the current heads. */
export async function startPipeline(
  context: PfsContext,
  key: PipelineKey,
  request: Request,
): Promise<PipelineRecord> {
  const set = context.ids.next();
  const time = context.clock.now();
  return await context.journal.transact((state) => {
    const pipeline = resolvePipeline(context, key);
    if (!pipeline.stopped) {
      return { operations: [], result: pipeline };
    }
    return compose(state, (draft) => {
      const started: PipelineRecord = { ...pipeline, stopped: false, state: 'running', reason: '' };
      draft.add({ kind: 'pipeline.put', pipeline: started });
      attach(draft, started, { set, time });
      return started;
    });
  }, transactOptions(request));
}

/** Deletes a pipeline with its repos; `keepRepo` leaves the output as a plain repo. */
export async function deletePipeline(
  context: PfsContext,
  options: { readonly key: PipelineKey; readonly force: boolean; readonly keepRepo: boolean },
  request: Request,
): Promise<void> {
  const { key, force, keepRepo } = options;
  const refuse = (state: State) => {
    const readers = keepRepo ? [] : readersOf(state, key);
    if (readers.length > 0 && !force) {
      throw new EngineError(
        'failed_precondition',
        `Cannot delete pipeline "${shortRepo(key)}": ${readers.map((r) => `"${r}"`).join(', ')} read its output; delete those first, or use --force`,
      );
    }
  };
  resolvePipeline(context, key);
  refuse(context.journal.state);
  await killJobs(context, [key], 'all jobs killed because the pipeline was deleted');
  await context.journal.transact((state) => {
    const pipeline = resolvePipeline(context, key);
    refuse(state);
    return compose(state, (draft) => {
      if (keepRepo) {
        releaseOutputs(draft, pipeline);
      } else {
        for (const branch of [...state.branches.values()]) {
          if (branch.repo !== key && branch.provenance.some((source) => source.repo === key)) {
            const provenance = branch.provenance.filter((source) => source.repo !== key);
            draft.add({ kind: 'branch.put', branch: { ...branch, provenance } });
          }
        }
        draft.add({ kind: 'repo.deleted', repo: key });
      }
      draft.add(
        { kind: 'repo.deleted', repo: metaRepo(key) },
        { kind: 'repo.deleted', repo: specRepo(key) },
        { kind: 'pipeline.deleted', pipeline: key },
      );
      return null;
    });
  }, transactOptions(request));
}

function releaseOutputs(draft: Draft, pipeline: PipelineRecord): void {
  releaseBranch(draft, { repo: pipeline.key, branch: String(pipeline.spec.output_branch) });
  releaseBranch(draft, { repo: metaRepo(pipeline.key), branch: SYSTEM_BRANCH });
}

function activeJobs(state: State, key: PipelineKey): string[] {
  return [...state.jobs.keysBy('pipeline', key)].flatMap((jobKey) => {
    const job = state.jobs.get(jobKey);
    return job && job.finished === null ? [job.id] : [];
  });
}

async function killJobs(
  context: PfsContext,
  keys: readonly PipelineKey[],
  reason: string,
): Promise<void> {
  for (const pipeline of keys) {
    for (const job of activeJobs(context.journal.state, pipeline)) {
      await endJob(context, { pipeline, job, end: { state: 'killed', reason } }, 'engine');
    }
  }
}
