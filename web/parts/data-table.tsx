// A table of any length: a real one, of which only the rows in sight are drawn.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useVisibleRows } from './virtual.ts';

export interface Column<T> {
  readonly title: string;
  /** As CSS has it; what is left is shared by those without. */
  readonly width?: string;
  /** Of numbers, which stand to the right. */
  readonly isNumber?: boolean;
  /** Left out where the window is narrow: below `medium` 760 px, below `wide` 1080 px. */
  readonly from?: 'medium' | 'wide';
  readonly cell: (item: T) => ComponentChildren;
}

export const ROW_HEIGHT = 36;

/** Draws a table. The first link of a row is where the arrow keys go. */
export function DataTable<T>({
  label,
  columns,
  items,
  keyOf,
  onMore,
  onSeen,
  toneOf,
}: {
  /** Says what the table is of, to those who do not see what is around it. */
  readonly label: string;
  readonly columns: readonly Column<T>[];
  /** An item that has not come yet is undefined: its row is empty. */
  readonly items: readonly (T | undefined)[];
  readonly keyOf: (item: T) => string;
  /** Asked for when the end comes in sight, where there is more. */
  readonly onMore?: (() => void) | undefined;
  /** Told which rows are drawn, so that items can be loaded where they are looked at. */
  readonly onSeen?: (first: number, end: number) => void;
  /** A class of the row. */
  readonly toneOf?: (item: T) => string | undefined;
}): JSX.Element {
  const body = useRef<HTMLTableSectionElement>(null);
  const { first, end, before, after } = useVisibleRows(body, {
    count: items.length,
    rowHeight: ROW_HEIGHT,
  });
  useEffect(() => {
    if (end === items.length) {
      onMore?.();
    }
  }, [end, items.length, onMore]);
  useEffect(() => onSeen?.(first, end), [first, end, onSeen]);
  const classOf = ({ isNumber, from }: Column<T>) =>
    [isNumber ? 'number' : '', from ? `from-${from}` : ''].filter(Boolean).join(' ') || undefined;
  return (
    <table class="data" aria-label={label} aria-rowcount={items.length + 1}>
      <colgroup>
        {columns.map((column) => (
          <col
            key={column.title}
            class={column.from && `from-${column.from}`}
            style={column.width ? { width: column.width } : undefined}
          />
        ))}
      </colgroup>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.title} scope="col" class={classOf(column)}>
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body} onKeyDown={moveFocus}>
        <Gap height={before} />
        {Array.from(items.slice(first, end), (item, index) => (
          <tr
            key={item === undefined ? first + index : keyOf(item)}
            aria-rowindex={first + index + 2}
            class={item && toneOf?.(item)}
          >
            {columns.map((column) => (
              <td key={column.title} class={classOf(column)}>
                {item === undefined ? undefined : column.cell(item)}
              </td>
            ))}
          </tr>
        ))}
        <Gap height={after} />
      </tbody>
    </table>
  );
}

/** Stands for rows that are not drawn. */
export function Gap({ height }: { readonly height: number }): JSX.Element | null {
  return height > 0 ? (
    <tr class="gap">
      <td style={{ height: `${height}px` }} />
    </tr>
  ) : null;
}

function moveFocus(event: KeyboardEvent): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') {
    return;
  }
  const row = (event.target as Element).closest('tr');
  const next = event.key === 'ArrowDown' ? row?.nextElementSibling : row?.previousElementSibling;
  const link = next?.querySelector<HTMLElement>('a, button');
  if (link) {
    event.preventDefault();
    link.focus();
    link.scrollIntoView({ block: 'nearest' });
  }
}
