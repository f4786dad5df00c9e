// The lines of history beside one commit.

import type { JSX } from 'preact';
import type { LaneRow, Piece } from './commit-lanes.ts';

const LANE = 14;
const HALF = 17.5;
/** Further lanes are not drawn: the list beside them needs the room. */
export const MOST_LANES = 8;
/** How many colours there are for lines (`styles/repos.css`). */
const COLOURS = 6;

/** Returns how wide the lines of some rows are, in pixels. */
export function lanesWidth(rows: readonly LaneRow[]): number {
  const most = rows.reduce((widest, { width }) => Math.max(widest, width), 1);
  return Math.min(MOST_LANES, most) * LANE + 10;
}

export function LaneCell({
  row,
  isOpen,
}: {
  readonly row: LaneRow;
  readonly isOpen: boolean;
}): JSX.Element {
  const { lane, line, upper, lower, width } = row;
  const draw = (pieces: readonly Piece[], top: number) =>
    pieces
      .filter(({ from, to }) => from < MOST_LANES && to < MOST_LANES)
      .map(({ from, to, line: of }) => (
        <path
          key={`${top} ${from} ${to}`}
          class={colourOf(of)}
          d={curve({ from: x(from), to: x(to), top })}
        />
      ));
  return (
    <svg
      class="lanes"
      width={Math.min(MOST_LANES, width) * LANE + 10}
      height={HALF * 2}
      aria-hidden="true"
    >
      {draw(upper, 0)}
      {draw(lower, HALF)}
      {lane < MOST_LANES && (
        <circle
          class={`${colourOf(line)}${isOpen ? ' hollow' : ''}`}
          cx={x(lane)}
          cy={HALF}
          r={4}
        />
      )}
    </svg>
  );
}

function x(lane: number): number {
  return lane * LANE + LANE / 2 + 2;
}

function colourOf(line: number): string {
  return `line-${line % COLOURS}`;
}

function curve({
  from,
  to,
  top,
}: {
  readonly from: number;
  readonly to: number;
  readonly top: number;
}): string {
  const end = top + HALF;
  const middle = top + HALF / 2;
  return from === to
    ? `M${from} ${top}V${end}`
    : `M${from} ${top}C${from} ${middle} ${to} ${middle} ${to} ${end}`;
}
