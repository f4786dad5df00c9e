// The rules of a spec that depend on what else there is: repos, branches and other pipelines. Pure; whoever holds the
// state gives a small view of it, and may ask again inside the transaction that creates the pipeline.

import { groupedBy, withBatch } from './batch-context.ts';
import { cycleThrough, PipelineDag } from './dag.ts';
import { nearestWord } from './edit-distance.ts';
import { inputMembers, ownRepoInputs } from './input-tree.ts';
import { portProblems } from './port-rules.ts';
import { type KeysOfSecret, missingSecrets } from './secret-context.ts';
import type { CronInput, GitInput, PfsInput, PipelineInput, PipelineSpec } from './spec.ts';
import { pipelineKey } from './spec.ts';
import type { SpecPath, SpecProblem } from './spec-document.ts';
import { problemsError } from './spec-document.ts';
import { DEFAULT_BRANCH } from './trigger.ts';
import type { ValidatedSpec } from './validate-spec.ts';

/** What the rules ask of the state. */
export interface SpecContext {
  projectExists(project: string): boolean;
  repoExists(project: string, repo: string): boolean;
  /** Names of the repos of a project, for "did you mean". */
  repoNames(project: string): Iterable<string>;
  branchExists(ref: { project: string; repo: string; branch: string }): boolean;
  /** The branch of the same repo that a branch follows by a trigger; undefined for none. */
  followedBy(ref: { project: string; repo: string; branch: string }): string | undefined;
  readonly secretKeys: KeysOfSecret;
  /** The spec of a pipeline by its key, of a stopped one too. */
  pipeline(key: string): PipelineSpec | undefined;
  /** The specs of all pipelines that run for ever. */
  hosted(): Iterable<PipelineSpec>;
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
  const previous = context.pipeline(pipelineKey(spec));
  return [
    ...repoProblems(spec, previous, context),
    ...inputRepoProblems(spec, context),
    ...ownRepoProblems(spec, previous, context),
    ...missingSecrets(spec, context.secretKeys),
    ...cycleProblems(spec, context),
    ...portProblems(spec, () => context.hosted()),
    ...triggerContextProblems(spec, context),
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
  const besides = withBatch(
    context,
    batch.map(({ spec }) => spec),
  );
  for (const validated of batch) {
    const problems = contextProblems(validated.spec, besides(validated.spec));
    if (problems.length > 0) {
      throw problemsError(
        validated.document,
        problems.map((problem) => ({ ...problem, path: validated.sourcePath(problem.path) })),
      );
    }
  }
  const byKey = groupedBy(batch, ({ spec }) => [pipelineKey(spec)]);
  const order = new PipelineDag(batch.map(({ spec }) => spec)).topologicalOrder();
  return order.flatMap((key) => byKey.get(key) ?? []);
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

/** The repo of a cron or Git input belongs to the pipeline: it is made with it, or was made for it. */
function ownRepoProblems(
  spec: PipelineSpec,
  previous: PipelineSpec | undefined,
  context: SpecContext,
): SpecProblem[] {
  const keyOf = ({ project, repo }: CronInput | GitInput) => `${project}/${repo}`;
  const taken = new Set([pipelineKey(spec)]);
  const before = new Set(previous ? ownRepoInputs(previous.input).map(keyOf) : []);
  const problems: SpecProblem[] = [];
  for (const { input, path } of ownLeaves(spec.input)) {
    const key = keyOf(input);
    const isOld = before.has(key) && !taken.has(key);
    if (!isOld && (taken.has(key) || context.repoExists(input.project, input.repo))) {
      problems.push({
        path: [...path, 'repo'],
        message: `there is already a repo "${input.repo}", and the input needs one of its own; set repo to another name, or delete that one`,
      });
    }
    taken.add(key);
  }
  return problems;
}

function ownLeaves(
  input: PipelineInput,
  path: SpecPath = ['input'],
): { readonly input: CronInput | GitInput; readonly path: SpecPath }[] {
  if ('cron' in input) {
    return [{ input: input.cron, path: [...path, 'cron'] }];
  }
  if ('git' in input) {
    return [{ input: input.git, path: [...path, 'git'] }];
  }
  const kind = Object.keys(input)[0] ?? '';
  return inputMembers(input).flatMap((member, index) => ownLeaves(member, [...path, kind, index]));
}

function cycleProblems(spec: PipelineSpec, context: SpecContext): SpecProblem[] {
  const cycle = cycleThrough(spec, (key) => context.pipeline(key));
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

function triggerContextProblems(spec: PipelineSpec, context: SpecContext): SpecProblem[] {
  const own = pipelineKey(spec);
  const problems: SpecProblem[] = [];
  const triggers = new Map<string, string>();
  for (const { input, path } of leaves(spec.input)) {
    const { project, repo, branch, trigger } = input;
    if (trigger === undefined) {
      continue;
    }
    const [key, text] = [`${project}/${repo}@${branch}`, JSON.stringify(trigger)];
    if ((triggers.get(key) ?? text) !== text) {
      problems.push({
        path: [...path, 'trigger'],
        message: `another input has another trigger on the branch "${branch}"; give each its own branch, or leave branch out`,
      });
    }
    triggers.set(key, text);
    const source = `${project}/${repo}`;
    const writer = source === own ? spec : context.pipeline(source);
    if (writer?.output_branch === branch) {
      problems.push({
        path: [...path, 'branch'],
        message: `the pipeline "${writer.pipeline.name}" writes the branch "${branch}", so that it cannot follow another one; name a branch of your own, or leave it out`,
      });
    }
    const chain = [branch];
    let next: string | undefined = trigger.branch ?? DEFAULT_BRANCH;
    while (next !== undefined && !chain.includes(next)) {
      chain.push(next);
      next = context.followedBy({ project, repo, branch: next });
    }
    if (next !== undefined) {
      problems.push({
        path: [...path, 'trigger'],
        message: `branches would follow each other in a circle (${[...chain, next].join(' → ')}); follow another branch`,
      });
    }
  }
  return problems;
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
