// What a spec would do, before it is created: its canonical form, the datums it would have, and which of them are
// processed already. Changes nothing.

import type { Asker } from '../auth/asker.ts';
import {
  branchKey,
  type CommitRecord,
  metaRepo,
  type PipelineRecord,
  SYSTEM_BRANCH,
} from '../journal/records.ts';
import { getCommit, lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import { settledHead } from '../pfs/propagate.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import { inputBranch } from '../pipeline/environment.ts';
import { pfsInputs } from '../pipeline/input-tree.ts';
import { type PfsInput, type PipelineSpec, pipelineKey } from '../pipeline/spec.ts';
import type { ValidatedSpec } from '../pipeline/validate-spec.ts';
import { resultInputs } from './datum-list.ts';
import type { ResultInput } from './datum-result.ts';
import { allDatums, type JobInputs } from './job-inputs.ts';
import { demandReading } from './pipeline-maker.ts';
import { checkBatch, type PutPipelines } from './pipelines.ts';
import { findResult } from './results.ts';
import { committedContents } from './session-writer.ts';
import { readSpecs } from './spec-reading.ts';

/** A datum that a pipeline would have. */
export interface PlannedDatum {
  readonly datum: Datum;
  readonly inputs: readonly ResultInput[];
  /** Its result is there already, and would be used again. */
  readonly isDone: boolean;
}

/** A pipeline as it would be. */
export interface PlannedPipeline {
  readonly spec: PipelineSpec;
  /** False where it exists and would be changed. */
  readonly created: boolean;
  readonly version: number;
  readonly warnings: readonly string[];
  /** What makes the datums differ from those that its first job will have, one sentence each. */
  readonly notes: readonly string[];
  /** What they are made of. */
  readonly inputs: JobInputs;
  /** Yields its datums on the current heads, each time anew. */
  datums(): AsyncGenerator<PlannedDatum>;
}

/** Works out what {@link PutPipelines} would make. Rejects as `putPipelines` does; for who may not read what it reads, too. */
export async function previewPipelines(
  context: PfsContext,
  options: PutPipelines & { readonly asker: Asker },
): Promise<PlannedPipeline[]> {
  const { state } = context.journal;
  const specs = readSpecs(options.text, { ...options, state });
  demandReading(
    state,
    options.asker,
    specs.map(({ spec }) => spec),
  );
  const batch = checkBatch(state, specs, options);
  return await Promise.all(batch.map((one) => planned(context, one, { ...options, batch })));
}

async function planned(
  context: PfsContext,
  { spec, warnings }: ValidatedSpec,
  options: { readonly batch: readonly ValidatedSpec[]; readonly reprocess: boolean },
): Promise<PlannedPipeline> {
  const old = context.journal.state.pipelines.get(pipelineKey(spec));
  const notes = new Set<string>();
  const commits = new Map<string, CommitRecord>();
  for (const input of pfsInputs(spec.input)) {
    const { commit, note } = await readCommit(context, input, options.batch);
    if (commit) {
      commits.set(inputBranch(input), commit);
    }
    if (note !== undefined) {
      notes.add(note);
    }
  }
  const inputs: JobInputs = { spec, salt: old?.salt ?? '', commits, missing: [] };
  const isReused = !options.reprocess && spec.reprocess_spec !== 'every_job';
  return {
    spec,
    created: old === undefined,
    version: (old?.version ?? 0) + 1,
    warnings,
    notes: [...notes],
    inputs,
    datums: () => plannedDatums(context, inputs, isReused ? old : undefined),
  };
}

async function* plannedDatums(
  context: PfsContext,
  inputs: JobInputs,
  old: PipelineRecord | undefined,
): AsyncGenerator<PlannedDatum> {
  const contents = committedContents(context);
  const trees = old === undefined ? [] : await resultTrees(context, old);
  for await (const datum of allDatums(context, inputs)) {
    let isDone = false;
    for (const tree of trees) {
      const result = await findResult(contents, { tree, hash: datum.hash });
      isDone ||= result?.state === 'success';
    }
    yield { datum, inputs: resultInputs(datum, inputs), isDone };
  }
}

/** Returns the trees that hold results of a pipeline: of all its jobs that ended, and of each that has not. */
async function resultTrees(context: PfsContext, pipeline: PipelineRecord): Promise<string[]> {
  const { state } = context.journal;
  const meta = metaRepo(pipeline.key);
  const head = state.branches.get(branchKey(meta, SYSTEM_BRANCH))?.head ?? null;
  const ended = (await lastGood(context, meta, head))?.tree ?? null;
  const running = [...state.jobs.keysBy('pipeline', pipeline.key)].flatMap((key) => {
    const job = state.jobs.get(key);
    return job?.finished === null ? [job.results] : [];
  });
  return [ended, ...running].filter((tree) => tree !== null);
}

/** Returns the commit that an input would be read at, and what is to be said about that. */
async function readCommit(
  context: PfsContext,
  input: PfsInput,
  batch: readonly ValidatedSpec[],
): Promise<{ readonly commit?: CommitRecord; readonly note?: string }> {
  const { state } = context.journal;
  const repo = `${input.project}/${input.repo}`;
  const { branch } = input;
  const name = `${shortRepo(repo)}@${branch}`;
  const isMadeToo = batch.some(
    ({ spec }) => pipelineKey(spec) === repo && spec.output_branch === branch,
  );
  const id = state.repos.has(repo) ? settledHead(state, { repo, branch }) : null;
  const made = `${name} is made by a pipeline of this spec, and these datums are from before that ran`;
  if (id === null) {
    return { note: isMadeToo ? made : `${name} has no commits yet` };
  }
  const head = await getCommit(context, repo, id);
  const commit = await lastGood(context, repo, id);
  const note = isMadeToo
    ? made
    : head.finished === null
      ? `${name} is being made right now, and these datums are of the commit before`
      : head.error !== null
        ? `the newest commit of ${name} failed, and these datums are of the last good one`
        : undefined;
  return { ...(commit ? { commit } : {}), ...(note === undefined ? {} : { note }) };
}
