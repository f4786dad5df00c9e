// Pipelines: making, changing, stopping, starting and deleting them. Each change is one transaction.

import { EngineError } from '../base/errors.ts';
import { metaRepo, type PipelineKey, type PipelineRecord, specRepo } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { PipelineState } from '../journal/states.ts';
import { type Change, makeChange } from '../pfs/change.ts';
import type { PfsContext, Request } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import { readersOf } from '../pfs/repos.ts';
import { checkContext } from '../pipeline/context-rules.ts';
import { isHosted, type PipelineSpec, pipelineKey } from '../pipeline/spec.ts';
import { placeOf, type ValidatedSpec } from '../pipeline/validate-spec.ts';
import { cronsOf, restartedCrons } from './cron-repos.ts';
import { gitsOf } from './git-repos.ts';
import { resolvePipeline } from './job-lookup.ts';
import { dropOwnRepos, ownRepos } from './own-repos.ts';
import { dropTriggers } from './pipeline-inputs.ts';
import { makerOf } from './pipeline-maker.ts';
import { attachOutputs, releaseBranch, releaseOutputs } from './pipeline-outputs.ts';
import { readSpecs, specContext } from './spec-reading.ts';
import { addSpecCommit } from './spec-repo.ts';
import { killJobsIn, STOPPED_REASON } from './stop-job.ts';

export interface PutPipelines {
  readonly text: string;
  /** For messages. */
  readonly fileName: string;
  readonly project: string;
  /** Change pipelines that exist, and make those that don't; otherwise one that exists is an error. */
  readonly update: boolean;
  /** Give new salts, so that every datum runs again. */
  readonly reprocess: boolean;
  /** Leave who a pipeline reads for as it is: the change is not theirs who make it. */
  readonly keepMaker?: boolean;
  /** The version that each must be at; else somebody has changed it meanwhile, which is a `conflict`. */
  readonly ifVersion?: number;
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
export function putPipelines(
  context: PfsContext,
  options: PutPipelines,
  request: Request,
): Promise<PutPipeline[]> {
  return makeChange(context, request, (change) => putPipelinesIn(change, options));
}

/** As {@link putPipelines}, within a change. */
export function putPipelinesIn(change: Change, options: PutPipelines): PutPipeline[] {
  const { state } = change;
  return putSpecsIn(change, readSpecs(options.text, { ...options, state }), options);
}

/** As {@link putPipelinesIn}, for specs that were read. */
export function putSpecsIn(
  change: Change,
  batch: readonly ValidatedSpec[],
  options: Pick<PutPipelines, 'update' | 'reprocess' | 'ifVersion' | 'keepMaker'>,
): PutPipeline[] {
  return checkBatch(change.state, batch, options).map((one): PutPipeline => {
    const key = pipelineKey(one.spec);
    const created = !change.state.pipelines.has(key);
    killJobsIn(change, key, 'all jobs killed because the pipeline was updated');
    const { reprocess, keepMaker = false } = options;
    const pipeline = putPipeline(change, { ...one, reprocess, keepMaker });
    return { pipeline, created, warnings: one.warnings };
  });
}

/**
 * Checks specs against the state and each other; returns them such that each comes after those it reads from. Throws as
 * {@link putPipelines} rejects.
 */
export function checkBatch(
  state: State,
  batch: readonly ValidatedSpec[],
  options: Pick<PutPipelines, 'update' | 'ifVersion'>,
): ValidatedSpec[] {
  for (const one of batch) {
    const key = pipelineKey(one.spec);
    const { version = 0 } = state.pipelines.get(key) ?? {};
    if (options.ifVersion !== undefined && options.ifVersion !== version) {
      throw new EngineError(
        'conflict',
        `Cannot update pipeline "${shortRepo(key)}": somebody changed it meanwhile, it is ${version === 0 ? 'not there any more' : `at version ${version}`}; look at it again`,
      );
    }
    if (!options.update && state.pipelines.has(key)) {
      throw new EngineError(
        'already_exists',
        `Cannot create pipeline "${shortRepo(key)}": it already exists; use pfs update-pipeline to change it, or choose another name (${placeOf(one, ['pipeline', 'name'])})`,
      );
    }
  }
  return checkContext(batch, specContext(state));
}

function putPipeline(
  change: Change,
  options: ValidatedSpec & { readonly reprocess: boolean; readonly keepMaker: boolean },
): PipelineRecord {
  const { spec, document, reprocess } = options;
  const { context, state, time } = change;
  const key = pipelineKey(spec);
  const old = state.pipelines.get(key);
  if (change.hasCommitIn(specRepo(key))) {
    throw new EngineError(
      'failed_precondition',
      `Cannot update pipeline "${shortRepo(key)}": the transaction has done so already, and does so once at most`,
    );
  }
  if (old === undefined) {
    createRepos(change, { key, description: spec.description });
  } else if (old.spec.output_branch !== spec.output_branch) {
    releaseBranch(change, { repo: key, branch: String(old.spec.output_branch) });
  }
  const own = { ...cronsOf(change, spec, old), ...gitsOf(change, spec, old) };
  const maker = options.keepMaker ? old?.maker : makerOf(change, { spec, ...own });
  const version = (old?.version ?? 0) + 1;
  const specCommit = addSpecCommit(change, { key, spec, text: document.text, version });
  const pipeline: PipelineRecord = {
    key,
    id: old?.id ?? context.ids.next(),
    version,
    created: old?.created ?? time,
    updated: time,
    state: old?.stopped ? 'paused' : startingState(spec),
    reason: '',
    stopped: old?.stopped ?? false,
    salt: old && !reprocess ? old.salt : context.ids.next(),
    spec,
    specCommit,
    // What killing its jobs has counted.
    jobs: state.pipelines.get(key)?.jobs ?? {},
    lastJob: state.pipelines.get(key)?.lastJob ?? null,
    image: null,
    ...own,
    ...(old?.host ? { host: old.host } : {}),
    ...(maker ? { maker } : {}),
  };
  change.add({ kind: 'pipeline.put', pipeline });
  if (!pipeline.stopped) {
    attachOutputs(change, pipeline);
  }
  if (old) {
    dropTriggers(change, old, spec);
    dropOwnRepos(change, old, { kept: ownRepos(pipeline), force: false });
  }
  return pipeline;
}

function createRepos(
  change: Change,
  pipeline: { readonly key: PipelineKey; readonly description: string },
): void {
  const { key, description } = pipeline;
  const repos = [
    { key, kind: 'user' as const, description },
    { key: specRepo(key), kind: 'spec' as const, description: '' },
    { key: metaRepo(key), kind: 'meta' as const, description: '' },
  ];
  for (const repo of repos) {
    const id = change.context.ids.next();
    change.add({ kind: 'repo.created', repo: { ...repo, id, created: change.time } });
  }
}

/** What runs for ever takes its time to start; jobs show how they are themselves. */
function startingState(spec: PipelineSpec): PipelineState {
  return isHosted(spec) ? 'starting' : 'running';
}

/** Stops a pipeline: its jobs end, and new commits on its inputs cause nothing until it is started. */
export function stopPipeline(
  context: PfsContext,
  key: PipelineKey,
  request: Request,
): Promise<PipelineRecord> {
  return makeChange(context, request, (change) => stopPipelineIn(change, key));
}

/** As {@link stopPipeline}, within a change. */
export function stopPipelineIn(change: Change, key: PipelineKey): PipelineRecord {
  resolvePipeline(change.context, key);
  killJobsIn(change, key, STOPPED_REASON);
  const pipeline = resolvePipeline(change.context, key);
  releaseOutputs(change, pipeline);
  const stopped: PipelineRecord = { ...pipeline, stopped: true, state: 'paused', reason: '' };
  change.add({ kind: 'pipeline.put', pipeline: stopped });
  return stopped;
}

/** Starts a stopped pipeline again, with one job on the current heads. */
export function startPipeline(
  context: PfsContext,
  key: PipelineKey,
  request: Request,
): Promise<PipelineRecord> {
  return makeChange(context, request, (change) => startPipelineIn(change, key));
}

/** As {@link startPipeline}, within a change. */
export function startPipelineIn(change: Change, key: PipelineKey): PipelineRecord {
  const pipeline = resolvePipeline(change.context, key);
  if (!pipeline.stopped) {
    return pipeline;
  }
  const started: PipelineRecord = {
    ...pipeline,
    stopped: false,
    state: startingState(pipeline.spec as unknown as PipelineSpec),
    reason: '',
    ...restartedCrons(pipeline, change.time),
  };
  change.add({ kind: 'pipeline.put', pipeline: started });
  attachOutputs(change, started);
  return started;
}

export interface DeletePipeline {
  readonly key: PipelineKey;
  readonly force: boolean;
  readonly keepRepo: boolean;
}

/** Deletes a pipeline with its repos; `keepRepo` leaves the output as a plain repo. */
export function deletePipeline(
  context: PfsContext,
  options: DeletePipeline,
  request: Request,
): Promise<null> {
  return makeChange(context, request, (change) => deletePipelineIn(change, options));
}

/** As {@link deletePipeline}, within a change. */
export function deletePipelineIn(change: Change, options: DeletePipeline): null {
  const { key, force, keepRepo } = options;
  const { state } = change;
  const pipeline = resolvePipeline(change.context, key);
  const repos = [...(keepRepo ? [] : [key]), ...ownRepos(pipeline)];
  const readers = repos
    .flatMap((repo) => readersOf(state, repo))
    .filter((reader) => reader !== shortRepo(key));
  if (readers.length > 0 && !force) {
    throw new EngineError(
      'failed_precondition',
      `Cannot delete pipeline "${shortRepo(key)}": its output is read by ${readers.map((r) => `"${r}"`).join(', ')}; delete what reads it first, or use --force`,
    );
  }
  killJobsIn(change, key, 'all jobs killed because the pipeline was deleted');
  if (keepRepo) {
    releaseOutputs(change, pipeline);
  } else {
    for (const branch of [...state.branches.values()]) {
      if (branch.repo !== key && branch.provenance.some((source) => source.repo === key)) {
        const provenance = branch.provenance.filter((source) => source.repo !== key);
        change.add({ kind: 'branch.put', branch: { ...branch, provenance } });
      }
    }
    change.add({ kind: 'repo.deleted', repo: key });
  }
  dropTriggers(change, pipeline);
  change.add(
    { kind: 'repo.deleted', repo: metaRepo(key) },
    { kind: 'repo.deleted', repo: specRepo(key) },
    { kind: 'pipeline.deleted', pipeline: key },
  );
  dropOwnRepos(change, pipeline, { kept: [], force });
  return null;
}
