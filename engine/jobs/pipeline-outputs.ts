// The branches that a pipeline writes: tied to what it reads, and let go of.

import {
  type BranchRef,
  branchKey,
  metaRepo,
  type PipelineRecord,
  SYSTEM_BRANCH,
  specRepo,
} from '../journal/records.ts';
import type { Change } from '../pfs/change.ts';
import { pfsInputs } from '../pipeline/input-tree.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import { followTrigger, sourcesOf } from './pipeline-inputs.ts';

/**
 * Ties the output branch to the inputs, and starts a commit and a job on their current heads. A spout has neither: what it
 * makes comes from its spec alone.
 */
export function attachOutputs(change: Change, pipeline: PipelineRecord): void {
  const spec = pipeline.spec as unknown as PipelineSpec;
  for (const input of pfsInputs(spec.input)) {
    followTrigger(change, input, spec);
  }
  const isSpout = spec.spout !== undefined;
  const provenance = sourcesOf(spec);
  for (const { repo, branch } of provenance) {
    change.read({ repo, branch });
  }
  const never = isSpout ? { never: true } : {};
  provenance.push({ repo: specRepo(pipeline.key), branch: SYSTEM_BRANCH, ...never });
  for (const { repo, branch: name } of outputsOf(pipeline)) {
    const old = change.state.branches.get(branchKey(repo, name));
    const [head, created] = [old?.head ?? null, old?.created ?? change.time];
    change.add({ kind: 'branch.put', branch: { repo, name, head, provenance, created } });
  }
  if (!isSpout) {
    refreshOutputs(change, pipeline);
  }
}

/** Starts a commit and a job on the heads of what a pipeline reads. */
export function refreshOutputs(change: Change, pipeline: PipelineRecord): void {
  for (const output of outputsOf(pipeline)) {
    change.refresh(output);
  }
}

/** Lets go of a branch that a pipeline writes: it stays, as one of users'. */
export function releaseBranch(change: Change, ref: BranchRef): void {
  const branch = change.state.branches.get(branchKey(ref.repo, ref.branch));
  if (branch) {
    change.add({ kind: 'branch.put', branch: { ...branch, provenance: [] } });
  }
}

/** Lets go of all branches that a pipeline writes: nothing causes commits on them any more. */
export function releaseOutputs(change: Change, pipeline: PipelineRecord): void {
  for (const output of outputsOf(pipeline)) {
    releaseBranch(change, output);
  }
}

function outputsOf({ key, spec }: PipelineRecord): readonly BranchRef[] {
  return [
    { repo: key, branch: String(spec.output_branch) },
    { repo: metaRepo(key), branch: SYSTEM_BRANCH },
  ];
}
