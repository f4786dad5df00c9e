// What the rules of a spec see of the state where several specs are checked together: each sees all the others.

import type { SpecContext } from './context-rules.ts';
import { ownRepoInputs } from './input-tree.ts';
import { isHosted, type PipelineSpec, pipelineKey } from './spec.ts';

/** Returns the state as it will be once these pipelines are there, besides one of them. */
export function withBatch(
  context: SpecContext,
  batch: readonly PipelineSpec[],
): (spec: PipelineSpec) => SpecContext {
  const specs = groupedBy(batch, (spec) => [pipelineKey(spec)]);
  const makers = groupedBy(batch, (spec) => [
    pipelineKey(spec),
    ...ownRepoInputs(spec.input).map(({ project, repo }) => `${project}/${repo}`),
  ]);
  const hosted = batch.filter(isHosted);
  return (spec) => {
    const isOther = (other: PipelineSpec) => other !== spec;
    return {
      projectExists: (project) => context.projectExists(project),
      repoExists: (project, repo) =>
        (makers.get(`${project}/${repo}`)?.some(isOther) ?? false) ||
        context.repoExists(project, repo),
      *repoNames(project) {
        yield* context.repoNames(project);
        for (const { pipeline } of batch.filter(isOther)) {
          if (pipeline.project.name === project) {
            yield pipeline.name;
          }
        }
      },
      branchExists: (ref) => context.branchExists(ref),
      followedBy: (ref) => context.followedBy(ref),
      secretKeys: (name) => context.secretKeys(name),
      pipeline: (key) => specs.get(key)?.find(isOther) ?? context.pipeline(key),
      *hosted() {
        for (const other of context.hosted()) {
          if (!specs.has(pipelineKey(other))) {
            yield other;
          }
        }
        yield* hosted.filter(isOther);
      },
    };
  };
}

/** Groups items by their keys, in their order. */
export function groupedBy<T>(
  items: readonly T[],
  keysOf: (item: T) => readonly string[],
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key) ?? [];
      group.push(item);
      groups.set(key, group);
    }
  }
  return groups;
}
