// The branches that a pipeline reads, and those that are made for it: what follows another branch by a trigger.

import { type BranchSource, branchKey, type PipelineRecord } from '../journal/records.ts';
import type { Change } from '../pfs/change.ts';
import { inputBranch } from '../pipeline/environment.ts';
import { pfsInputs } from '../pipeline/input-tree.ts';
import type { PfsInput, PipelineSpec } from '../pipeline/spec.ts';
import { readTrigger } from '../pipeline/trigger.ts';

/** Makes the branch of an input with a trigger follow what the trigger names. One that does so already goes on. */
export function followTrigger(change: Change, input: PfsInput, pipeline: PipelineSpec): void {
  if (input.trigger === undefined) {
    return;
  }
  const repo = `${input.project}/${input.repo}`;
  const trigger = readTrigger(input.trigger, input.branch);
  const old = change.state.branches.get(branchKey(repo, input.branch));
  const { ticked = change.time, ...before } = old?.trigger ?? {};
  const isSame = JSON.stringify(before) === JSON.stringify(trigger);
  const { head = null, created = change.time } = old ?? {};
  const next = { ...trigger, ticked: isSame ? ticked : change.time };
  const branch = { repo, name: input.branch, head, provenance: [], created, trigger: next };
  // One that is there for this pipeline alone takes no right to write to the repo.
  const add = isTriggerBranch(input.branch, pipeline) ? change.draft : change;
  add.add({ kind: 'branch.put', branch });
}

/** Returns whether a branch was made for a trigger of a pipeline, and for nothing else. */
function isTriggerBranch(branch: string, { pipeline }: PipelineSpec): boolean {
  return branch.startsWith(`${pipeline.name}-trigger-`);
}

/** Deletes the branches that were made for triggers of a pipeline, but for those that `kept` or somebody else reads. */
export function dropTriggers(change: Change, pipeline: PipelineRecord, kept?: PipelineSpec): void {
  const { state } = change;
  const spec = pipeline.spec as unknown as PipelineSpec;
  const keep = new Set(kept ? pfsInputs(kept.input).map(inputBranch) : []);
  for (const input of pfsInputs(spec.input)) {
    if (!input.trigger || !isTriggerBranch(input.branch, spec)) {
      continue;
    }
    const ref = { repo: `${input.project}/${input.repo}`, branch: input.branch };
    const isRead = [...state.branches.values()].some(
      ({ repo, provenance, trigger }) =>
        (repo === ref.repo && trigger?.branch === ref.branch) ||
        (repo.replace(/\.meta$/, '') !== pipeline.key &&
          provenance.some((source) => source.repo === ref.repo && source.branch === ref.branch)),
    );
    const isThere = state.branches.has(branchKey(ref.repo, ref.branch));
    if (isThere && !isRead && !keep.has(inputBranch(input))) {
      change.draft.add({ kind: 'branch.deleted', ...ref });
    }
  }
}

/** Returns the branches that a pipeline reads, each once; one that some input lets cause jobs does. */
export function sourcesOf(spec: PipelineSpec): BranchSource[] {
  const sources = new Map<string, BranchSource>();
  for (const input of pfsInputs(spec.input)) {
    const ref = { repo: `${input.project}/${input.repo}`, branch: input.branch };
    const key = branchKey(ref.repo, ref.branch);
    const known = sources.get(key);
    const never =
      input.propagation_spec?.never === true && (known === undefined || known.never === true);
    sources.set(key, { ...ref, ...(never ? { never } : {}) });
  }
  return [...sources.values()];
}
