// The rows of a comparison of two texts. A change has a sign, and not a colour alone.

import type { JSX } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import { countText } from '../parts/numbers.ts';
import { Scroller } from '../parts/scroller.tsx';
import { useVisibleRows } from '../parts/virtual.ts';
import type { DiffRow, Line } from './line-diff.ts';

const ROW_HEIGHT = 22;
/** Whether the window has no room for two texts side by side. */
export function isNarrow(): boolean {
  return window.innerWidth < 900;
}

/** Longer lines are cut: browsers take very long to draw them. */
const MAX_LINE = 2000;

type UnifiedRow =
  | { readonly kind: 'gap'; readonly lines: number }
  | { readonly kind: 'same' | 'removed' | 'added'; readonly old?: Line; readonly new?: Line };

export function DiffRows({
  rows,
  isUnified,
}: {
  readonly rows: readonly DiffRow[];
  readonly isUnified: boolean;
}): JSX.Element {
  const unified = useMemo(() => unify(rows), [rows]);
  const list = useRef<HTMLDivElement>(null);
  const count = isUnified ? unified.length : rows.length;
  const { first, end, before, after } = useVisibleRows(list, { count, rowHeight: ROW_HEIGHT });
  const height = before + (end - first) * ROW_HEIGHT + after;
  return (
    <Scroller
      class={isUnified ? 'diff unified' : 'diff'}
      label={isUnified ? 'Changed lines' : 'Changed lines, before and after'}
    >
      <div ref={list} class="diff-list" style={{ height: `${height}px` }}>
        <div style={{ transform: `translateY(${before}px)` }}>
          {isUnified
            ? unified
                .slice(first, end)
                .map((row, index) => <Unified key={first + index} row={row} />)
            : rows.slice(first, end).map((row, index) => <Pair key={first + index} row={row} />)}
        </div>
      </div>
    </Scroller>
  );
}

function Pair({ row }: { readonly row: DiffRow }): JSX.Element {
  if (row.kind === 'gap') {
    return <Gap lines={row.lines} />;
  }
  const isChanged = row.kind === 'changed';
  return (
    <div class="diff-row">
      <Half line={row.old} sign={isChanged && row.old ? '−' : ' '} />
      <Half line={row.new} sign={isChanged && row.new ? '+' : ' '} />
    </div>
  );
}

function Half({ line, sign }: { readonly line: Line | undefined; readonly sign: string }) {
  if (!line) {
    return <div class="diff-half missing" />;
  }
  return (
    <div class={`diff-half ${toneOf(sign)}`}>
      <span class="line-number">{line.number}</span>
      <Text line={line} sign={sign} />
    </div>
  );
}

function Unified({ row }: { readonly row: UnifiedRow }): JSX.Element {
  if (row.kind === 'gap') {
    return <Gap lines={row.lines} />;
  }
  const sign = row.kind === 'removed' ? '−' : row.kind === 'added' ? '+' : ' ';
  const line = row.new ?? row.old;
  return (
    <div class={`diff-row diff-half ${toneOf(sign)}`}>
      <span class="line-number">{row.old?.number}</span>
      <span class="line-number">{row.new?.number}</span>
      {line && <Text line={line} sign={sign} />}
    </div>
  );
}

function Text({ line, sign }: { readonly line: Line; readonly sign: string }): JSX.Element {
  return (
    <>
      <span class="diff-sign">{sign}</span>
      <span class="line-text">
        {line.stretches.map(({ text, isChanged }, index) =>
          isChanged ? <mark key={index}>{text.slice(0, MAX_LINE)}</mark> : text.slice(0, MAX_LINE),
        )}
      </span>
    </>
  );
}

function Gap({ lines }: { readonly lines: number }): JSX.Element {
  return <div class="diff-row diff-gap">{countText(lines, 'line')} as before</div>;
}

function toneOf(sign: string): string {
  return sign === '−' ? 'removed' : sign === '+' ? 'added' : '';
}

/** Puts what was removed before what was added, change by change. */
function unify(rows: readonly DiffRow[]): UnifiedRow[] {
  const result: UnifiedRow[] = [];
  let added: UnifiedRow[] = [];
  for (const row of rows) {
    if (row.kind !== 'changed') {
      result.push(...added, row);
      added = [];
      continue;
    }
    if (row.old) {
      result.push({ kind: 'removed', old: row.old });
    }
    if (row.new) {
      added.push({ kind: 'added', new: row.new });
    }
  }
  result.push(...added);
  return result;
}
