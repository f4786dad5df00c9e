// A walk over the inputs of a pipeline, which nest: what each combines, and the repos that are read at its ends.

import type { CronInput, GitInput, PfsInput, PipelineInput } from './spec.ts';

/** Lists the repo inputs of a tree, from left to right, wherever they are nested; a cron or Git input is one of its repo. */
export function pfsInputs(input: PipelineInput): PfsInput[] {
  const leaf = leafOf(input);
  return leaf ? [leaf] : inputMembers(input).flatMap(pfsInputs);
}

/** Returns the repo that an input which combines nothing reads; undefined for a combination. */
export function leafOf(input: PipelineInput): PfsInput | undefined {
  if ('pfs' in input) return input.pfs;
  if ('git' in input) return madeLeaf(input.git, '/');
  return 'cron' in input ? madeLeaf(input.cron, '/*') : undefined;
}

/** Lists the cron inputs of a tree. */
export function cronInputs(input: PipelineInput): CronInput[] {
  return 'cron' in input ? [input.cron] : inputMembers(input).flatMap(cronInputs);
}

/** Lists the Git inputs of a tree. */
export function gitInputs(input: PipelineInput): GitInput[] {
  return 'git' in input ? [input.git] : inputMembers(input).flatMap(gitInputs);
}

/** Lists the inputs of a tree whose repos the pipeline makes for itself. */
export function ownRepoInputs(input: PipelineInput): (CronInput | GitInput)[] {
  return [...cronInputs(input), ...gitInputs(input)];
}

const madeLeaves = new WeakMap<CronInput | GitInput, PfsInput>();

/** The files of such a repo, always the same object for one input. */
function madeLeaf(made: CronInput | GitInput, glob: string): PfsInput {
  const known = madeLeaves.get(made);
  const leaf: PfsInput = known ?? {
    name: made.name,
    project: made.project,
    repo: made.repo,
    branch: 'master',
    glob,
    repo_type: 'user',
    join_on: '',
    outer_join: false,
    group_by: '',
    lazy: false,
    empty_files: false,
    s3: false,
    reference: false,
  };
  madeLeaves.set(made, leaf);
  return leaf;
}

/** Returns the members of a combination; an input that combines nothing has none. */
export function inputMembers(input: PipelineInput): readonly PipelineInput[] {
  if ('cross' in input) return input.cross;
  if ('union' in input) return input.union;
  if ('join' in input) return input.join;
  if ('group' in input) return input.group;
  return [];
}
