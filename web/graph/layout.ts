// Where everything in the graph stands. Worked out beside the page's own thread, and only when the graph has another shape.

import type { GraphModel } from './model.ts';

/** Put in by the build: the address of `layout-worker.ts`. */
declare const LAYOUT_WORKER: string;

export const NODE_WIDTH = 204;
export const NODE_HEIGHT = 48;

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** What the worker is given. */
export interface LayoutTask {
  readonly nodes: readonly string[];
  readonly edges: readonly (readonly [from: string, to: string])[];
  readonly width: number;
  readonly height: number;
}

/** What it gives back. */
export interface Layout {
  /** The middle of each node. */
  readonly nodes: ReadonlyMap<string, Point>;
  /** By `from to`: the points that an edge leads through. */
  readonly edges: ReadonlyMap<string, readonly Point[]>;
  readonly width: number;
  readonly height: number;
}

/** Lays out a graph; rejects where that can't be done. */
export async function layOut(model: GraphModel, signal: AbortSignal): Promise<Layout> {
  const worker = new Worker(LAYOUT_WORKER, { type: 'module' });
  try {
    return await new Promise<Layout>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      worker.onmessage = ({ data }: MessageEvent<Layout>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      const task: LayoutTask = {
        nodes: [...model.nodes.keys()],
        edges: model.edges.map(({ from, to }) => [from, to] as const),
        width: NODE_WIDTH,
        height: NODE_HEIGHT,
      };
      worker.postMessage(task);
    });
  } finally {
    worker.terminate();
  }
}
