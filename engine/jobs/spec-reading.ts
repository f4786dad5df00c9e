// From the text of a spec file to specs that may be stored: parsed, validated, checked against what exists.

import { branchKey, CLUSTER_SCOPE, projectScope } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { SpecContext } from '../pipeline/context-rules.ts';
import type { Defaults } from '../pipeline/defaults.ts';
import { parseSpecs } from '../pipeline/parse-spec.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import { type ValidatedSpec, validateSpecs } from '../pipeline/validate-spec.ts';
import { checkGlob } from './offline-specs.ts';

/** Reads the specs of a text, on top of the defaults that there are; throws `invalid` naming all that is wrong in the first bad one. */
export function readSpecs(
  text: string,
  options: { readonly fileName: string; readonly project: string; readonly state: State },
): ValidatedSpec[] {
  const { fileName, project, state } = options;
  return validateSpecs(parseSpecs(text, { fileName }), {
    defaultProject: project,
    checkGlob,
    defaultsOf: (name) => defaultsOf(state, name),
  });
}

/** Returns what specs of a project stand on, the outermost first. */
export function defaultsOf(state: State, project: string): Defaults[] {
  const scopes = [CLUSTER_SCOPE, projectScope(project)];
  return scopes.flatMap((scope) => {
    const defaults = state.defaults.get(scope);
    return defaults ? [defaults.value] : [];
  });
}

/** Returns what the rules of specs ask of the state. */
export function specContext(state: State): SpecContext {
  const specOf = (key: string) =>
    state.pipelines.get(key)?.spec as unknown as PipelineSpec | undefined;
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
    secretKeys: (name) => state.secrets.get(name)?.keys,
    pipeline: specOf,
    *hosted() {
      for (const key of state.pipelines.keysBy('hosted', 'hosted')) {
        const spec = specOf(key);
        if (spec) {
          yield spec;
        }
      }
    },
  };
}
