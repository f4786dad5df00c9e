// Which rows of a long list can be seen: the others are not drawn. The page itself scrolls, not the list.

import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { type Range, rangeAt } from './visible-range.ts';

/** Returns the rows of `count`, each `rowHeight` high, to draw in a list that begins at the top of `element`. */
export function useVisibleRows(
  element: RefObject<HTMLElement | null>,
  { count, rowHeight }: { readonly count: number; readonly rowHeight: number },
): Range {
  const [range, setRange] = useState<Range>(() => rangeAt(0, { count, rowHeight, seen: 800 }));
  const measure = () => {
    const depth = Math.max(0, -(element.current?.getBoundingClientRect().top ?? 0));
    const next = rangeAt(depth, { count, rowHeight, seen: window.innerHeight });
    setRange((old) =>
      old.first === next.first && old.end === next.end && old.before === next.before ? old : next,
    );
  };
  useLayoutEffect(measure, [count, rowHeight]);
  useEffect(() => {
    const onScroll = () => measure();
    window.addEventListener('scroll', onScroll, { passive: true });
    window.addEventListener('resize', onScroll);
    return () => {
      window.removeEventListener('scroll', onScroll);
      window.removeEventListener('resize', onScroll);
    };
  }, [count, rowHeight]);
  const first = Math.min(range.first, count);
  return { ...range, first, end: Math.max(first, Math.min(range.end, count)) };
}
