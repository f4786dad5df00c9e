// The graph of pipelines: an edge leads from what a pipeline reads to the pipeline. Pure; made anew from specs when
// it is needed. Walks are loops and not recursion, since a chain of pipelines may be longer than the stack.

import { Graph } from '@dagrejs/graphlib';
import { pfsInputs } from './input-tree.ts';
import type { PipelineSpec } from './spec.ts';
import { pipelineKey } from './spec.ts';

/** What the graph needs of a spec. */
export type DagPipeline = Pick<PipelineSpec, 'pipeline' | 'input' | 'output_branch'>;

export interface DagOptions {
  /**
   * `repo`: reading any branch of a pipeline's output repo makes a pipeline depend on it. `branch`: only reading its
   * output branch does. Default: repo.
   */
  readonly by?: 'repo' | 'branch';
}

/** The pipelines as a graph, each known by its key `project/name`. */
export class PipelineDag {
  readonly #graph = new Graph();

  constructor(pipelines: Iterable<DagPipeline>, options: DagOptions = {}) {
    const byBranch = options.by === 'branch';
    const list = [...pipelines];
    const writers = new Map<string, string>();
    for (const spec of list) {
      const key = pipelineKey(spec);
      this.#graph.setNode(key);
      writers.set(byBranch ? `${key}@${spec.output_branch}` : key, key);
    }
    for (const spec of list) {
      for (const { project, repo, branch } of pfsInputs(spec.input)) {
        const writer = writers.get(`${project}/${repo}${byBranch ? `@${branch}` : ''}`);
        if (writer !== undefined) {
          this.#graph.setEdge(writer, pipelineKey(spec));
        }
      }
    }
  }

  /**
   * Returns all pipelines, each after everything it reads from, and by name where that leaves a choice. Pipelines on a
   * cycle, and those below one, are left out: see {@link PipelineDag.cycle}.
   */
  topologicalOrder(): string[] {
    const waiting = new Map<string, number>();
    for (const key of this.#graph.nodes()) {
      waiting.set(key, this.#next(key, 'up').length);
    }
    const order: string[] = [];
    let ready = [...waiting].filter(([, count]) => count === 0).map(([key]) => key);
    while (ready.length > 0) {
      const following: string[] = [];
      for (const key of ready.sort()) {
        order.push(key);
        for (const child of this.#next(key, 'down')) {
          const count = (waiting.get(child) ?? 0) - 1;
          waiting.set(child, count);
          if (count === 0) {
            following.push(child);
          }
        }
      }
      ready = following;
    }
    return order;
  }

  /** Returns one cycle in the order in which data would go round, its first pipeline repeated at the end, or undefined. */
  cycle(): string[] | undefined {
    const sorted = new Set(this.topologicalOrder());
    for (const key of this.#graph.nodes().sort()) {
      const cycle = sorted.has(key) ? undefined : this.cycleThrough(key);
      if (cycle !== undefined) {
        return cycle;
      }
    }
    return undefined;
  }

  /** Returns the shortest cycle through a pipeline, which stands first and last, or undefined. */
  cycleThrough(key: string): string[] | undefined {
    const cameFrom = new Map<string, string>();
    for (let frontier = [key]; frontier.length > 0; ) {
      const following: string[] = [];
      for (const node of frontier) {
        for (const child of this.#next(node, 'down')) {
          if (child === key) {
            return [...pathTo(node, cameFrom), key];
          }
          if (!cameFrom.has(child)) {
            cameFrom.set(child, node);
            following.push(child);
          }
        }
      }
      frontier = following;
    }
    return undefined;
  }

  /** Returns all pipelines that read from this one, directly or through others, in topological order. */
  downstream(key: string): string[] {
    return this.#closure(key, 'down');
  }

  /** Returns all pipelines that this one reads from, directly or through others, in topological order. */
  upstream(key: string): string[] {
    return this.#closure(key, 'up');
  }

  /** Returns the pipelines that read from this one directly, by name. */
  readers(key: string): string[] {
    return this.#next(key, 'down').sort();
  }

  #closure(key: string, direction: 'up' | 'down'): string[] {
    const seen = new Set<string>();
    const stack = this.#next(key, direction);
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (!seen.has(node)) {
        seen.add(node);
        stack.push(...this.#next(node, direction));
      }
    }
    return this.topologicalOrder().filter((node) => seen.has(node));
  }

  #next(key: string, direction: 'up' | 'down'): string[] {
    const next = direction === 'down' ? this.#graph.successors(key) : this.#graph.predecessors(key);
    return next ?? [];
  }
}

/**
 * Returns the shortest cycle through a pipeline, which stands first and last, in the order in which data would go round; or
 * undefined. Looks at what it reads, directly or through others, and at nothing else; `find` gives other pipelines by their keys.
 */
export function cycleThrough(
  spec: DagPipeline,
  find: (key: string) => DagPipeline | undefined,
): string[] | undefined {
  const own = pipelineKey(spec);
  const goesTo = new Map<string, string>();
  for (let frontier: DagPipeline[] = [spec]; frontier.length > 0; ) {
    const following: DagPipeline[] = [];
    for (const reader of frontier) {
      const key = pipelineKey(reader);
      for (const { project, repo } of pfsInputs(reader.input)) {
        const source = `${project}/${repo}`;
        if (source === own) {
          return [own, ...pathTo(key, goesTo).reverse()];
        }
        const writer = goesTo.has(source) ? undefined : find(source);
        if (writer) {
          goesTo.set(source, key);
          following.push(writer);
        }
      }
    }
    frontier = following;
  }
  return undefined;
}

function pathTo(end: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const path: string[] = [];
  for (let node: string | undefined = end; node !== undefined; node = cameFrom.get(node)) {
    path.unshift(node);
  }
  return path;
}
