// Which part of the graph is in sight: moved and zoomed by mouse, touch, wheel and keys.

import type { Point } from './layout.ts';

/** A point of the graph is at `x + k * point.x` of the element. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly k: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const LEAST = 0.02;
const MOST = 2.5;
const STEP = 1.25;
const KEY_PIXELS = 80;
/** A press that moves less than this is a click. */
const STILL_PIXELS = 4;

/** Returns a viewport that shows all of something, at most at its natural size. */
export function fitting(content: Size, element: Size, most = 1): Viewport {
  const across = element.width / Math.max(1, content.width);
  const down = element.height / Math.max(1, content.height);
  const k = Math.max(LEAST, Math.min(most, across, down));
  return {
    k,
    x: (element.width - k * content.width) / 2,
    y: (element.height - k * content.height) / 2,
  };
}

/** Returns a viewport with a point in the middle. */
export function centredOn(point: Point, element: Size, k: number): Viewport {
  return { k, x: element.width / 2 - k * point.x, y: element.height / 2 - k * point.y };
}

/** Zooms by a factor; the point `at` of the element stays where it is. */
export function zoomed(viewport: Viewport, factor: number, at: Point): Viewport {
  const k = Math.min(MOST, Math.max(LEAST, viewport.k * factor));
  const ratio = k / viewport.k;
  return { k, x: at.x - ratio * (at.x - viewport.x), y: at.y - ratio * (at.y - viewport.y) };
}

/** Zooms one step in or out, about the middle. */
export function stepped(viewport: Viewport, direction: 1 | -1, { width, height }: Size): Viewport {
  return zoomed(viewport, STEP ** direction, { x: width / 2, y: height / 2 });
}

/** Returns how far a key moves the graph; undefined for keys that do not. */
export function keyMove(key: string): Point | undefined {
  switch (key) {
    case 'ArrowLeft':
      return { x: KEY_PIXELS, y: 0 };
    case 'ArrowRight':
      return { x: -KEY_PIXELS, y: 0 };
    case 'ArrowUp':
      return { x: 0, y: KEY_PIXELS };
    case 'ArrowDown':
      return { x: 0, y: -KEY_PIXELS };
    default:
      return undefined;
  }
}

/** Follows mouse, touch and wheel on an element; returns the way to end that. */
export function followPointers(
  element: HTMLElement | SVGElement,
  change: (by: (old: Viewport) => Viewport) => void,
): () => void {
  const pointers = new Map<number, Point>();
  let travelled = 0;
  const here = (event: MouseEvent): Point => {
    const { left, top } = element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const onDown = (event: PointerEvent) => {
    if (event.button !== 0) {
      return;
    }
    if (pointers.size === 0) {
      travelled = 0;
    }
    pointers.set(event.pointerId, here(event));
  };
  const onMove = (event: PointerEvent) => {
    const old = pointers.get(event.pointerId);
    if (old === undefined) {
      return;
    }
    const now = here(event);
    travelled += Math.hypot(now.x - old.x, now.y - old.y);
    if (travelled > STILL_PIXELS && !element.hasPointerCapture(event.pointerId)) {
      element.setPointerCapture(event.pointerId);
    }
    const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    pointers.set(event.pointerId, now);
    if (other) {
      const factor =
        Math.hypot(now.x - other.x, now.y - other.y) /
        Math.max(1, Math.hypot(old.x - other.x, old.y - other.y));
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      change((view) => zoomed(view, factor, middle));
    } else if (travelled > STILL_PIXELS) {
      change((view) => ({ ...view, x: view.x + now.x - old.x, y: view.y + now.y - old.y }));
    }
  };
  const onUp = (event: PointerEvent) => void pointers.delete(event.pointerId);
  const onClick = (event: Event) => {
    // The end of a move is no click on what happens to be there.
    if (travelled > STILL_PIXELS) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  const onWheel = (event: WheelEvent) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    const speed = event.ctrlKey ? 0.01 : 0.0015;
    const at = here(event);
    change((view) => zoomed(view, Math.exp(-event.deltaY * lines * speed), at));
  };
  const listeners: readonly (readonly [string, (event: never) => void])[] = [
    ['pointerdown', onDown],
    ['pointermove', onMove],
    ['pointerup', onUp],
    ['pointercancel', onUp],
    ['wheel', onWheel],
  ];
  for (const [name, listener] of listeners) {
    element.addEventListener(name, listener as EventListener, { passive: false });
  }
  element.addEventListener('click', onClick, { capture: true });
  return () => {
    for (const [name, listener] of listeners) {
      element.removeEventListener(name, listener as EventListener);
    }
    element.removeEventListener('click', onClick, { capture: true });
  };
}
