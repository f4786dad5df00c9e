// Which rows of a long list can be seen: the others are not drawn. The page itself scrolls, not the list.

import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';

/** Rows drawn beyond the edges of the window, so that scrolling shows no gaps. */
const SPARE_ROWS = 12;

export interface Range {
  readonly first: number;
  /** One after the last. */
  readonly end: number;
}

/** Returns the rows of `count`, each `rowHeight` high, to draw in a list that begins at the top of `element`. */
export function useVisibleRows(
  element: RefObject<HTMLElement | null>,
  { count, rowHeight }: { readonly count: number; readonly rowHeight: number },
): Range {
  const [range, setRange] = useState<Range>({ first: 0, end: Math.min(count, 60) });
  const measure = () => {
    const top = element.current?.getBoundingClientRect().top ?? 0;
    const first = Math.max(0, Math.floor(-top / rowHeight) - SPARE_ROWS);
    const seen = Math.ceil(window.innerHeight / rowHeight) + 2 * SPARE_ROWS;
    const end = Math.min(count, first + seen);
    setRange((old) => (old.first === first && old.end === end ? old : { first, end }));
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
  return { first: Math.min(range.first, count), end: Math.min(range.end, count) };
}
