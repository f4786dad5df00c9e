// The rules of a spec that depend on what else there is: repos, branches and other pipelines. Pure; whoever holds the
// state gives a small view of it, and may ask again inside the transaction that creates the pipeline.

import { PipelineDag } from './dag.ts';
import { nearestWord } from './edit-distance.ts';
import type { PfsInput, PipelineInput, PipelineSpec } from './spec.ts';
import { inputMembers, pipelineKey } from './spec.ts';
import type { SpecPath, SpecProblem } from './spec-document.ts';
import { problemsError } from './spec-document.ts';
import type { ValidatedSpec } from './validate-spec.ts';

/** What the rules ask of the state. */
export interface SpecContext {
  projectExists(project: string): boolean;
  repoExists(project: string, repo: string): boolean;
  /** Names of the repos of a project, for "did you mean". */
  repoNames(project: string): Iterable<string>;
  branchExists(ref: { project: string; repo: string; branch: string }): boolean;
  /** The specs of all pipelines, stopped ones too. */
  pipelines(): Iterable<PipelineSpec>;
}

/**
 * Returns what the state does not allow in a spec that is valid by itself: missing projects and input repos, a name
 * taken by a repo, reading its own output, cycles, an output branch that users write. Paths are those of the
 * canonical spec: map them with `sourcePath` before showing them.
 */
export function contextProblems(spec: PipelineSpec, context: SpecContext): SpecProblem[] {
  const project = spec.pipeline.project.name;
  if (!context.projectExists(project)) {
    return [
      {
        path: ['pipeline', 'project', 'name'],
        message: `there is no project "${project}"; create it first, or name another`,
      },
    ];
  }
  const others: PipelineSpec[] = [];
  let previous: PipelineSpec | undefined;
  for (const other of context.pipelines()) {
    if (pipelineKey(other) === pipelineKey(spec)) {
      previous = other;
    } else {
      others.push(other);
    }
  }
  return [
    ...repoProblems(spec, previous, context),
    ...inputRepoProblems(spec, context),
    ...cycleProblems(spec, others),
  ];
}

/**
 * Checks specs that will be created or updated together against the state and each other. Returns them such that each
 * comes after those it reads from. Throws `invalid` with all problems of the first document that has any.
 */
export function checkContext(
  batch: readonly ValidatedSpec[],
  context: SpecContext,
): ValidatedSpec[] {
  for (const validated of batch) {
    const others = batch.filter((other) => other !== validated).map(({ spec }) => spec);
    const problems = contextProblems(validated.spec, withPipelines(context, others));
    if (problems.length > 0) {
      throw problemsError(
        validated.document,
        problems.map((problem) => ({ ...problem, path: validated.sourcePath(problem.path) })),
      );
    }
  }
  const order = new PipelineDag(batch.map(({ spec }) => spec)).topologicalOrder();
  return order.flatMap((key) => batch.filter(({ spec }) => pipelineKey(spec) === key));
}

/** The state as it will be once these pipelines are there. */
function withPipelines(context: SpecContext, pipelines: readonly PipelineSpec[]): SpecContext {
  const added = new Map(pipelines.map((spec) => [pipelineKey(spec), spec]));
  return {
    projectExists: (project) => context.projectExists(project),
    repoExists: (project, repo) =>
      added.has(`${project}/${repo}`) || context.repoExists(project, repo),
    repoNames: (project) => [
      ...context.repoNames(project),
      ...pipelines
        .filter((spec) => spec.pipeline.project.name === project)
        .map((spec) => spec.pipeline.name),
    ],
    branchExists: (ref) => context.branchExists(ref),
    *pipelines() {
      for (const spec of context.pipelines()) {
        if (!added.has(pipelineKey(spec))) {
          yield spec;
        }
      }
      yield* pipelines;
    },
  };
}

function repoProblems(
  spec: PipelineSpec,
  previous: PipelineSpec | undefined,
  context: SpecContext,
): SpecProblem[] {
  const { name, project } = spec.pipeline;
  if (previous === undefined) {
    return context.repoExists(project.name, name)
      ? [
          {
            path: ['pipeline', 'name'],
            message: `there is already a repo "${name}", and the output needs one of that name; choose another name, or delete the repo`,
          },
        ]
      : [];
  }
  const branch = spec.output_branch;
  const isTaken =
    branch !== previous.output_branch &&
    context.branchExists({ project: project.name, repo: name, branch });
  return isTaken
    ? [
        {
          path: ['output_branch'],
          message: `the repo "${name}" already has a branch "${branch}" that this pipeline does not write; choose another, or delete it`,
        },
      ]
    : [];
}

function inputRepoProblems(spec: PipelineSpec, context: SpecContext): SpecProblem[] {
  const own = pipelineKey(spec);
  const problems: SpecProblem[] = [];
  for (const { input, path } of leaves(spec.input)) {
    const { project, repo } = input;
    if (`${project}/${repo}` === own) {
      problems.push({
        path: [...path, 'repo'],
        message: 'the pipeline would read its own output; read from another repo',
      });
    } else if (!context.projectExists(project)) {
      problems.push({
        path: [...path, 'project'],
        message: `there is no project "${project}"; create it first, or name another`,
      });
    } else if (!context.repoExists(project, repo)) {
      const near = nearestWord(repo, context.repoNames(project));
      const advice =
        near === undefined
          ? `create it with \`pfs create-repo ${repo}\``
          : `did you mean "${near}"?`;
      problems.push({
        path: [...path, 'repo'],
        message: `there is no repo "${repo}" in project "${project}"; ${advice}`,
      });
    }
  }
  return problems;
}

function cycleProblems(spec: PipelineSpec, others: readonly PipelineSpec[]): SpecProblem[] {
  const own = pipelineKey(spec);
  const cycle = new PipelineDag([...others, spec]).cycleThrough(own);
  // A cycle of one is reading its own output, which has been reported.
  if (cycle === undefined || cycle.length <= 2) {
    return [];
  }
  const last = cycle.at(-2);
  const leaf = leaves(spec.input).find(({ input }) => `${input.project}/${input.repo}` === last);
  return [
    {
      path: leaf === undefined ? ['input'] : [...leaf.path, 'repo'],
      message: `the data would go round in a cycle (${cycle.join(' → ')}); break it by reading from another repo`,
    },
  ];
}

function leaves(
  input: PipelineInput,
  path: SpecPath = ['input'],
): { readonly input: PfsInput; readonly path: SpecPath }[] {
  if ('pfs' in input) {
    return [{ input: input.pfs, path: [...path, 'pfs'] }];
  }
  const kind = Object.keys(input)[0] ?? '';
  return inputMembers(input).flatMap((member, index) => leaves(member, [...path, kind, index]));
}
