// The graph as it is meant: repos and pipelines, and which reads which. A pipeline and the repo it writes are one node.

import type { Pipeline, Repo } from '../../engine/server/wire.ts';

export type NodeKind = 'repo' | 'pipeline' | 'cron' | 'git';

export interface GraphNode {
  /** `project/name`: of the pipeline, or of a repo that no pipeline writes. */
  readonly id: string;
  readonly kind: NodeKind;
  readonly project: string;
  readonly name: string;
  readonly pipeline: Pipeline | undefined;
  readonly repo: Repo | undefined;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** The branch that is read, where it is not the usual one. */
  readonly branch: string | undefined;
}

export interface GraphModel {
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly edges: readonly GraphEdge[];
  /** The same as long as no node and no edge comes or goes. */
  readonly shape: string;
}

/** An input of a spec: one of these, or several together. */
interface SpecInput {
  readonly pfs?: {
    readonly project?: string;
    readonly repo?: string;
    readonly branch?: string;
    readonly name?: string;
  };
  readonly cron?: { readonly project?: string; readonly repo?: string; readonly name?: string };
  readonly git?: { readonly project?: string; readonly name?: string };
  readonly cross?: readonly SpecInput[];
  readonly union?: readonly SpecInput[];
  readonly join?: readonly SpecInput[];
  readonly group?: readonly SpecInput[];
}

/** Makes the graph. */
export function makeModel(repos: readonly Repo[], pipelines: readonly Pipeline[]): GraphModel {
  const nodes = new Map<string, GraphNode>();
  const repoOf = new Map(repos.map((repo) => [keyOf(repo), repo]));
  for (const pipeline of pipelines) {
    const id = keyOf(pipeline);
    const { project, name } = pipeline;
    nodes.set(id, { id, kind: 'pipeline', project, name, pipeline, repo: repoOf.get(id) });
  }
  for (const repo of repos) {
    const id = keyOf(repo);
    if (!nodes.has(id)) {
      const { project, name } = repo;
      nodes.set(id, { id, kind: 'repo', project, name, pipeline: undefined, repo });
    }
  }
  const edges = new Map<string, GraphEdge>();
  for (const pipeline of pipelines) {
    for (const input of inputsOf(pipeline)) {
      const source = nodes.get(input.from) ?? strange(input.from);
      // Which repo a schedule or a Git repository fills shows only in the pipelines that read it.
      nodes.set(input.from, input.kind === 'repo' ? source : { ...source, kind: input.kind });
      const edge = { from: input.from, to: keyOf(pipeline), branch: input.branch };
      edges.set(`${edge.from} ${edge.to}`, edge);
    }
  }
  const list = [...edges.values()];
  return { nodes, edges: list, shape: [...nodes.keys(), ...edges.keys()].sort().join('\n') };
}

/** A repo of another project than the one that is looked at. */
function strange(id: string): GraphNode {
  const [project = '', name = ''] = id.split('/');
  return { id, kind: 'repo', project, name, pipeline: undefined, repo: undefined };
}

interface Input {
  readonly from: string;
  readonly kind: 'repo' | 'cron' | 'git';
  readonly branch: string | undefined;
}

function inputsOf(pipeline: Pipeline): Input[] {
  const found: Input[] = [];
  const walk = (input: SpecInput | undefined) => {
    const { pfs, cron, git } = input ?? {};
    if (pfs?.repo !== undefined) {
      const branch = pfs.branch === 'master' ? undefined : pfs.branch;
      found.push({ from: `${pfs.project ?? pipeline.project}/${pfs.repo}`, kind: 'repo', branch });
    }
    const filled = cron ?? git;
    if (filled) {
      const own = `${pipeline.name}_${filled.name ?? ''}`;
      const repo = (filled as { repo?: string }).repo ?? (cron ? own : (filled.name ?? ''));
      const from = `${filled.project ?? pipeline.project}/${repo}`;
      found.push({ from, kind: cron ? 'cron' : 'git', branch: undefined });
    }
    for (const several of [input?.cross, input?.union, input?.join, input?.group]) {
      several?.forEach(walk);
    }
  };
  walk(pipeline.spec.input as SpecInput | undefined);
  return found;
}

/** Returns all nodes that lead to one, or that it leads to, with itself. */
export function relatedTo(model: GraphModel, id: string): ReadonlySet<string> {
  const related = new Set([id]);
  for (const isUpwards of [true, false]) {
    const next = new Map<string, string[]>();
    for (const edge of model.edges) {
      const [near, far] = isUpwards ? [edge.to, edge.from] : [edge.from, edge.to];
      next.set(near, [...(next.get(near) ?? []), far]);
    }
    const seen = new Set([id]);
    const open = [id];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const one of next.get(at) ?? []) {
        if (!seen.has(one)) {
          seen.add(one);
          related.add(one);
          open.push(one);
        }
      }
    }
  }
  return related;
}

function keyOf({ project, name }: { readonly project: string; readonly name: string }): string {
  return `${project}/${name}`;
}
