// The graph as a drawing. Only what is in sight is drawn, and no more of it than can be made out.

import type { JSX } from 'preact';
import { memo } from 'preact/compat';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Job } from '../../engine/server/wire.ts';
import { Icon } from '../parts/icon.tsx';
import { type Detail, type InSet, NodeView } from './graph-node.tsx';
import { type Layout, NODE_HEIGHT, NODE_WIDTH, type Point } from './layout.ts';
import { type GraphModel, relatedTo } from './model.ts';
import {
  centredOn,
  fitting,
  followPointers,
  keyMove,
  type Size,
  stepped,
  type Viewport,
} from './viewport.ts';

/** How large names can be read, and how large lines under them. */
const NAME_FROM = 0.34;
const ALL_FROM = 0.6;
const READABLE = 0.8;
const PHONE_WIDTH = 640;
/** So many nodes are looked at one by one. */
const SMALL = 40;

export interface Marks {
  /** The nodes that stand out; undefined: all are alike. */
  readonly lit: ReadonlySet<string> | undefined;
  /** The one that was searched for. */
  readonly found: string | undefined;
  readonly inSet: ReadonlyMap<string, InSet>;
  readonly jobs: ReadonlyMap<string, Job>;
}

interface Props {
  readonly model: GraphModel;
  readonly layout: Layout;
  readonly marks: Marks;
}

/** Draws the graph, and lets one move about in it. */
export function GraphCanvas({ model, layout, marks }: Props): JSX.Element {
  const drawing = useRef<SVGSVGElement>(null);
  const size = useSize(drawing);
  const [view, setView] = useState<Viewport>();
  const [near, setNear] = useState<string>();
  const shown = view ?? beginning(layout, size);

  useEffect(() => {
    const element = drawing.current;
    return element
      ? followPointers(element, (by) => setView((old) => by(old ?? beginning(layout, size))))
      : undefined;
  }, [layout, size]);

  const { found } = marks;
  useEffect(() => {
    const at = found === undefined ? undefined : layout.nodes.get(found);
    if (at) {
      setView((old) => centredOn(at, size, Math.max(0.8, old?.k ?? 0)));
    }
  }, [found]);

  const bounds = useBounds(shown, size);
  const detail: Detail = shown.k >= ALL_FROM ? 'all' : shown.k >= NAME_FROM ? 'name' : 'shape';
  const related = useMemo(
    () => (near === undefined ? undefined : relatedTo(model, near)),
    [near, model],
  );
  const zoom = (direction: 1 | -1) => setView(stepped(shown, direction, size));
  const fit = () => setView(fitting(layout, size));
  const onKey = (event: KeyboardEvent) => {
    const move = keyMove(event.key);
    if (move) {
      setView({ ...shown, x: shown.x + move.x, y: shown.y + move.y });
    } else if (event.key === '+' || event.key === '=') {
      zoom(1);
    } else if (event.key === '-') {
      zoom(-1);
    } else if (event.key === '0') {
      fit();
    } else {
      return;
    }
    event.preventDefault();
  };
  const nodeAt = (event: Event) =>
    (event.target as Element).closest<SVGAElement>('[data-node]')?.dataset.node;
  /** Brings a node that the Tab key has reached into sight. */
  const onFocus = (event: FocusEvent) => {
    const id = nodeAt(event);
    const at = id === undefined ? undefined : layout.nodes.get(id);
    setNear(id);
    if (at && !isWithin(at, shown, size)) {
      setView(centredOn(at, size, shown.k));
    }
  };
  return (
    <section class="graph" aria-label="Graph" onKeyDown={onKey}>
      {/* biome-ignore lint/a11y/useSemanticElements: there is no other element for a group within a drawing. */}
      <svg
        ref={drawing}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keys move it, as they do any long text.
        tabIndex={0}
        role="group"
        aria-label="Repos and pipelines; arrow keys move, plus and minus zoom"
        onPointerOver={(event) => setNear(nodeAt(event))}
        onPointerLeave={() => setNear(undefined)}
        onFocusIn={onFocus}
        onFocusOut={() => setNear(undefined)}
      >
        <g transform={`translate(${shown.x} ${shown.y}) scale(${shown.k})`}>
          <Scene
            model={model}
            layout={layout}
            marks={marks}
            bounds={bounds}
            detail={detail}
            lit={related ?? marks.lit}
          />
        </g>
      </svg>
      <div class="graph-tools">
        <button type="button" aria-label="Zoom in" onClick={() => zoom(1)}>
          <Icon name="plus" />
        </button>
        <button type="button" aria-label="Zoom out" onClick={() => zoom(-1)}>
          <Icon name="minus" />
        </button>
        <button type="button" aria-label="Show all" onClick={fit}>
          <Icon name="fit" />
        </button>
      </div>
    </section>
  );
}

interface SceneProps extends Props {
  readonly bounds: Bounds;
  readonly detail: Detail;
  readonly lit: ReadonlySet<string> | undefined;
}

/** What is in sight. Moving about draws it anew only when something else comes in sight. */
const Scene = memo(function Scene({ model, layout, marks, bounds, detail, lit }: SceneProps) {
  const { inSet, jobs, found } = marks;
  const edges = model.edges.flatMap(({ from, to, branch }) => {
    const key = `${from} ${to}`;
    const points = layout.edges.get(key);
    const isLit = lit === undefined || (lit.has(from) && lit.has(to));
    return points && touches(points, bounds)
      ? [
          <path
            key={key}
            class={isLit ? 'edge' : 'edge dim'}
            d={curve(wayOf(points, layout.nodes.get(from), layout.nodes.get(to)))}
          >
            {branch && <title>{`branch ${branch}`}</title>}
          </path>,
        ]
      : [];
  });
  const nodes = [...model.nodes.values()].flatMap((node) => {
    const at = layout.nodes.get(node.id);
    return at && touches([at], bounds)
      ? [
          <NodeView
            key={node.id}
            node={node}
            at={at}
            detail={detail}
            isDim={lit !== undefined && !lit.has(node.id)}
            isMarked={found === node.id}
            job={jobs.get(node.id)}
            inSet={inSet.get(node.id)}
          />,
        ]
      : [];
  });
  return (
    <>
      {edges}
      {nodes}
    </>
  );
});

interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Returns what of the graph is in sight, in steps of half a window, so that it seldom changes. */
function useBounds(view: Viewport, { width, height }: Size): Bounds {
  const step = (value: number, length: number, round: (value: number) => number) =>
    round(value / (length / 2)) * (length / 2);
  const [across, down] = [Math.max(1, width / view.k), Math.max(1, height / view.k)];
  const left = step(-view.x / view.k, across, Math.floor);
  const top = step(-view.y / view.k, down, Math.floor);
  const right = step(-view.x / view.k + across, across, Math.ceil);
  const bottom = step(-view.y / view.k + down, down, Math.ceil);
  return useMemo(() => ({ left, top, right, bottom }), [left, top, right, bottom]);
}

function useSize(element: { readonly current: Element | null }): Size {
  const [size, setSize] = useState<Size>({ width: 1, height: 1 });
  useLayoutEffect(() => {
    if (!element.current) {
      return undefined;
    }
    const observer = new ResizeObserver(([entry]) => {
      if (entry) {
        const { width, height } = entry.contentRect;
        setSize({ width, height });
      }
    });
    observer.observe(element.current);
    const { width, height } = element.current.getBoundingClientRect();
    setSize({ width, height });
    return () => observer.disconnect();
  }, []);
  return size;
}

/** Shows all of the graph, or the beginning of a small one that could not be read as a whole. */
function beginning(layout: Layout, size: Size): Viewport {
  const whole = fitting(layout, size);
  // On a phone one moves about anyway: what is shown at first can be read.
  const least = size.width < PHONE_WIDTH ? ALL_FROM : NAME_FROM;
  return whole.k >= least || layout.nodes.size > SMALL
    ? whole
    : { k: READABLE, x: 0, y: (size.height - READABLE * layout.height) / 2 };
}

function touches(points: readonly Point[], { left, top, right, bottom }: Bounds): boolean {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return (
    Math.max(...xs) >= left - NODE_WIDTH &&
    Math.min(...xs) <= right + NODE_WIDTH &&
    Math.max(...ys) >= top - NODE_HEIGHT &&
    Math.min(...ys) <= bottom + NODE_HEIGHT
  );
}

function isWithin(at: Point, view: Viewport, { width, height }: Size): boolean {
  const [x, y] = [view.x + view.k * at.x, view.y + view.k * at.y];
  return x > 40 && y > 20 && x < width - 40 && y < height - 20;
}

/** Returns the way of an edge, from the right of one node to the left of the other, by way of the points of the layout. */
function wayOf(points: readonly Point[], from: Point | undefined, to: Point | undefined): Point[] {
  const ends = (at: Point | undefined, side: 1 | -1) =>
    at ? [{ x: at.x + (side * NODE_WIDTH) / 2, y: at.y }] : [];
  return [...ends(from, 1), ...points.slice(1, -1).slice(1, -1), ...ends(to, -1)];
}

/** Returns a smooth line through points, which come from left to right. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  let d = `M${first?.x ?? 0} ${first?.y ?? 0}`;
  let from = first ?? { x: 0, y: 0 };
  for (const to of rest) {
    const half = (from.x + to.x) / 2;
    d += `C${half} ${from.y} ${half} ${to.y} ${to.x} ${to.y}`;
    from = to;
  }
  return d;
}
