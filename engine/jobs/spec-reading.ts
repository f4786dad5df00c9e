// From the text of a spec file to specs that may be stored: parsed, validated, checked against what exists.

import { isEngineError } from '../base/errors.ts';
import { branchKey } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { compileGlob } from '../pfs/glob.ts';
import type { SpecContext } from '../pipeline/context-rules.ts';
import { parseSpecs } from '../pipeline/parse-spec.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import { type ValidatedSpec, validateSpecs } from '../pipeline/validate-spec.ts';

/** Reads the specs of a text; rejects with `invalid` naming all that is wrong in the first bad one. */
export function readSpecs(
  text: string,
  options: { readonly fileName: string; readonly project: string },
): ValidatedSpec[] {
  const { fileName, project } = options;
  return validateSpecs(parseSpecs(text, { fileName }), { defaultProject: project, checkGlob });
}

function checkGlob(glob: string): string | number {
  try {
    return compileGlob(glob).captureCount;
  } catch (error) {
    if (isEngineError(error, 'invalid')) {
      return error.message;
    }
    throw error;
  }
}

/** Returns what the rules of specs ask of the state. */
export function specContext(state: State): SpecContext {
  return {
    // Projects need not be made beforehand: naming one is enough.
    projectExists: () => true,
    repoExists: (project, repo) => state.repos.has(`${project}/${repo}`),
    *repoNames(project) {
      for (const [key] of state.repos.prefix(`${project}/`)) {
        yield key.slice(project.length + 1);
      }
    },
    branchExists: ({ project, repo, branch }) =>
      state.branches.has(branchKey(`${project}/${repo}`, branch)),
    followedBy: ({ project, repo, branch }) =>
      state.branches.get(branchKey(`${project}/${repo}`, branch))?.trigger?.branch,
    *pipelines() {
      for (const pipeline of state.pipelines.values()) {
        yield pipeline.spec as unknown as PipelineSpec;
      }
    },
  };
}
