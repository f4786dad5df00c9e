// Which rows of a long list are drawn, by how far it has been scrolled.

/** Rows drawn beyond the edges of the window, so that scrolling shows no gaps. */
const SPARE_ROWS = 12;

/** Browsers draw nothing beyond some height: Firefox 17 million pixels, others 33. A longer list is scrolled through faster. */
const MAX_HEIGHT = 12_000_000;

export interface Range {
  readonly first: number;
  /** One after the last. */
  readonly end: number;
  /** The room, in pixels, to leave before and after the rows that are drawn. */
  readonly before: number;
  readonly after: number;
}

interface Listed {
  readonly count: number;
  readonly rowHeight: number;
  /** How many pixels of the list can be seen. */
  readonly seen: number;
}

/** Returns how far to scroll for a row to be the first that is seen. */
export function depthOf(row: number, list: Listed): number {
  return (row * list.rowHeight) / scaleOf(list);
}

/** Returns how many pixels of rows one pixel of scrolling is. */
function scaleOf({ count, rowHeight, seen }: Listed): number {
  const whole = count * rowHeight;
  return whole > MAX_HEIGHT ? (whole - seen) / (MAX_HEIGHT - seen) : 1;
}

/** Returns the rows to draw where the list has been scrolled by `depth` pixels. */
export function rangeAt(depth: number, list: Listed): Range {
  const { count, rowHeight, seen } = list;
  const whole = count * rowHeight;
  const height = Math.min(whole, MAX_HEIGHT);
  const scale = scaleOf(list);
  const offset = Math.min(depth * scale, Math.max(0, whole - seen));
  const first = Math.min(count, Math.max(0, Math.floor(offset / rowHeight) - SPARE_ROWS));
  const end = Math.min(count, first + Math.ceil(seen / rowHeight) + 2 * SPARE_ROWS);
  const before = Math.max(0, scale === 1 ? first * rowHeight : depth - offset + first * rowHeight);
  return { first, end, before, after: Math.max(0, height - before - (end - first) * rowHeight) };
}
