// Lays out a graph with dagre, from left to right. A worker: it gets a task and answers with the layout.

import { Graph, layout } from '@dagrejs/dagre';
import type { Layout, LayoutTask, Point } from './layout.ts';

/** Beyond it, the best ranks take too long to find. */
const MANY_NODES = 600;

self.onmessage = ({ data }: MessageEvent<LayoutTask>) => {
  self.postMessage(layOut(data));
};

function layOut({ nodes, edges, width, height }: LayoutTask): Layout {
  const graph = new Graph({ directed: true });
  graph.setGraph({
    rankdir: 'LR',
    nodesep: 18,
    edgesep: 8,
    ranksep: 64,
    marginx: 24,
    marginy: 24,
    ranker: nodes.length > MANY_NODES ? 'longest-path' : 'network-simplex',
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const id of nodes) {
    graph.setNode(id, { width, height });
  }
  for (const [from, to] of edges) {
    graph.setEdge(from, to);
  }
  layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  const at = (id: string): Point => {
    const { x, y } = graph.node(id) as Point;
    return { x, y };
  };
  const through = ([from, to]: readonly [string, string]) => {
    const { points } = graph.edge(from, to) as { points: readonly Point[] };
    return points.map(({ x, y }) => ({ x, y }));
  };
  return {
    nodes: new Map(nodes.map((id) => [id, at(id)])),
    edges: new Map(edges.map((edge) => [`${edge[0]} ${edge[1]}`, through(edge)])),
    width: size.width ?? 0,
    height: size.height ?? 0,
  };
}
