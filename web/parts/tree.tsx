// A tree of any length, of which only the rows in sight are drawn. Keys as in every tree: up and down, right opens or goes in,
// left closes or goes out, Home and End; Enter follows the row's link.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';
import { useVisibleRows } from './virtual.ts';

/** What a tree has to know of each of its rows. */
export interface TreeRow {
  readonly id: string;
  readonly depth: number;
  readonly count: number;
  readonly isOpen: boolean;
}

const ROW_HEIGHT = 30;
const INDENT = 20;

/** Draws the rows of a tree that are in sight, and those only. */
export function Tree<T extends TreeRow>({
  label,
  rows,
  onToggle,
  children,
}: {
  readonly label: string;
  readonly rows: readonly T[];
  readonly onToggle: (row: T) => void;
  readonly children: (row: T) => ComponentChildren;
}): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  const [now, setNow] = useState(0);
  // Keys may come faster than what they change is drawn.
  const latest = useRef(now);
  const wantsFocus = useRef(false);
  const current = Math.min(now, rows.length - 1);
  const { first, end, before, after } = useVisibleRows(list, {
    count: rows.length,
    rowHeight: ROW_HEIGHT,
  });
  useEffect(() => {
    if (wantsFocus.current) {
      wantsFocus.current = false;
      const row = list.current?.querySelector<HTMLElement>('[role=treeitem][tabindex="0"]');
      row?.focus();
      row?.scrollIntoView({ block: 'nearest' });
    }
  });
  const select = (at: number) => {
    latest.current = at;
    setNow(at);
  };
  const move = (to: number) => {
    wantsFocus.current = true;
    select(Math.max(0, Math.min(rows.length - 1, to)));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = Math.min(latest.current, rows.length - 1);
    const row = rows[at];
    if (!row || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const acts: Readonly<Record<string, () => void>> = {
      ArrowDown: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      ArrowRight: () => (row.count > 0 && !row.isOpen ? onToggle(row) : move(at + 1)),
      ArrowLeft: () => (row.isOpen ? onToggle(row) : move(parentOf(rows, at))),
      Enter: () => follow(list.current, row, onToggle),
      ' ': () => row.count > 0 && onToggle(row),
    };
    const act = acts[event.key];
    if (act && !(event.target as Element).matches('a, button')) {
      event.preventDefault();
      act();
    }
  };
  const onClick = (event: MouseEvent) => {
    const target = event.target as Element;
    const at = Number(target.closest<HTMLElement>('[data-row]')?.dataset.row ?? -1);
    const row = rows[at];
    if (row) {
      select(at);
      if (row.count > 0 && target.closest('.tree-toggle')) {
        onToggle(row);
      }
    }
  };
  return (
    <div
      class="tree"
      role="tree"
      aria-label={label}
      ref={list}
      style={{ height: `${before + (end - first) * ROW_HEIGHT + after}px` }}
      onKeyDown={onKeyDown}
      onClick={onClick}
    >
      {rows.slice(first, end).map((row, index) => (
        <div
          key={row.id}
          role="treeitem"
          class="tree-row"
          aria-level={row.depth + 1}
          aria-expanded={row.count > 0 ? row.isOpen : undefined}
          aria-selected={first + index === current}
          tabIndex={first + index === current ? 0 : -1}
          style={{
            top: `${before + index * ROW_HEIGHT}px`,
            paddingInlineStart: `${row.depth * INDENT + 4}px`,
          }}
          data-row={first + index}
        >
          {row.count > 0 ? (
            <span class="tree-toggle" data-open={row.isOpen} aria-hidden="true">
              <Icon name="chevron" />
            </span>
          ) : (
            <span class="tree-toggle" />
          )}
          {children(row)}
        </div>
      ))}
    </div>
  );
}

function parentOf(rows: readonly TreeRow[], at: number): number {
  const depth = rows[at]?.depth ?? 0;
  for (let index = at - 1; index >= 0; index -= 1) {
    if ((rows[index]?.depth ?? 0) < depth) {
      return index;
    }
  }
  return at;
}

function follow<T extends TreeRow>(
  list: HTMLElement | null,
  row: T,
  onToggle: (row: T) => void,
): void {
  const link = list?.querySelector<HTMLElement>('[role=treeitem][tabindex="0"] a');
  if (link) {
    link.click();
  } else if (row.count > 0) {
    onToggle(row);
  }
}
