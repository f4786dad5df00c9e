// Rows of text of one height, of which only those in sight are drawn.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Scroller } from '../parts/scroller.tsx';
import { useVisibleRows } from '../parts/virtual.ts';

export const LINE_HEIGHT = 20;

/** Draws rows; the width is that of the widest in sight, and scrolls. */
export function Lines({
  label,
  count,
  children,
  onEnd,
}: {
  readonly label: string;
  readonly count: number;
  /** Draws one row. */
  readonly children: (row: number) => ComponentChildren;
  /** Called when the end comes in sight. */
  readonly onEnd?: (() => void) | undefined;
}): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  const { first, end, before, after } = useVisibleRows(list, { count, rowHeight: LINE_HEIGHT });
  useEffect(() => {
    if (end === count) {
      onEnd?.();
    }
  }, [end, count, onEnd]);
  return (
    <Scroller class="lines" label={label}>
      <div ref={list} style={{ height: `${before + (end - first) * LINE_HEIGHT + after}px` }}>
        <div style={{ transform: `translateY(${before}px)` }}>
          {Array.from({ length: end - first }, (_, index) => (
            <div key={first + index} class="line">
              {children(first + index)}
            </div>
          ))}
        </div>
      </div>
    </Scroller>
  );
}
