// From the text of a spec file to specs that may be stored: parsed, validated, checked against what exists.

import { EngineError, isEngineError } from '../base/errors.ts';
import { branchKey, type PipelineKey } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { compileGlob } from '../pfs/glob.ts';
import { contextProblems, type SpecContext } from '../pipeline/context-rules.ts';
import { parseSpecs } from '../pipeline/parse-spec.ts';
import { type PipelineSpec, pipelineKey } from '../pipeline/spec.ts';
import { problemsError } from '../pipeline/spec-document.ts';
import { validateSpec } from '../pipeline/validate-spec.ts';

/** A valid spec, and the check of it against the state and the specs that come with it. */
export interface ReadSpec {
  readonly key: PipelineKey;
  readonly spec: PipelineSpec;
  /** As its author wrote it. */
  readonly text: string;
  readonly warnings: readonly string[];
  /** Throws `invalid` when the state, with the pipelines of `before`, does not allow the spec. */
  check(state: State, before: readonly PipelineSpec[]): void;
}

/** Reads the specs of a text; rejects with `invalid` naming all that is wrong in the first bad one. */
export function readSpecs(
  text: string,
  options: { readonly fileName: string; readonly project: string },
): ReadSpec[] {
  return parseSpecs(text, { fileName: options.fileName }).map((document) => {
    const { spec, warnings, sourcePath } = validateSpec(document, {
      defaultProject: options.project,
      checkGlob,
    });
    return {
      key: pipelineKey(spec),
      spec,
      text: document.text,
      warnings,
      check(state, before) {
        const problems = contextProblems(spec, contextOf(state, before));
        if (problems.length > 0) {
          throw problemsError(
            document,
            problems.map((problem) => ({ ...problem, path: sourcePath(problem.path) })),
          );
        }
      },
    };
  });
}

function checkGlob(glob: string): string | undefined {
  try {
    compileGlob(glob);
    return undefined;
  } catch (error) {
    if (isEngineError(error, 'invalid')) {
      return error.message;
    }
    throw new EngineError('internal', `Cannot check the glob "${glob}"`, { cause: error });
  }
}

function contextOf(state: State, before: readonly PipelineSpec[]): SpecContext {
  const fresh = new Set(before.map(pipelineKey));
  return {
    // Projects need not be made beforehand: naming one is enough.
    projectExists: () => true,
    repoExists: (project, repo) =>
      state.repos.has(`${project}/${repo}`) || fresh.has(`${project}/${repo}`),
    *repoNames(project) {
      for (const [key] of state.repos.prefix(`${project}/`)) {
        yield key.slice(project.length + 1);
      }
    },
    branchExists: ({ project, repo, branch }) =>
      state.branches.has(branchKey(`${project}/${repo}`, branch)),
    *pipelines() {
      for (const pipeline of state.pipelines.values()) {
        yield pipeline.spec as unknown as PipelineSpec;
      }
      yield* before;
    },
  };
}
