// The history of a repo as lines beside its list of commits: which line each commit is on, and which lines pass it. Rows
// are made one after the other, so that a history of any length can be drawn page by page.

/** What of a commit the lines are made of. */
export interface Knot {
  readonly id: string;
  /** The parents that a line leads to. */
  readonly parents: readonly string[];
}

/** A piece of a line: from a lane at the upper edge of its half of the row to one at the lower. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  /** Which line it is part of: lines keep their colour on their way. */
  readonly line: number;
}

/** What is drawn beside one commit. */
export interface LaneRow {
  readonly lane: number;
  readonly line: number;
  /** Between the row above and the commit, and between the commit and the row below. */
  readonly upper: readonly Piece[];
  readonly lower: readonly Piece[];
  /** How many lanes the row takes up. */
  readonly width: number;
}

interface Lane {
  /** The commit that it leads to. */
  readonly to: string;
  readonly line: number;
}

/** Lays out commits, the newest first. */
export class CommitLanes {
  #lanes: (Lane | undefined)[] = [];
  readonly #done = new Set<string>();
  #lines = 0;

  /** Returns the row of the next commit. */
  next(knot: Knot): LaneRow {
    const before = this.#lanes;
    const mine = before.findIndex((lane) => lane?.to === knot.id);
    const lane = mine >= 0 ? mine : freeOf(before);
    const line = before[mine]?.line ?? this.#newLine();
    const upper = pieces(before, (at, one) => (one.to === knot.id ? lane : at));
    const lanes = before.map((one) => (one?.to === knot.id ? undefined : one));
    const lower = pieces(lanes, (at) => at);
    this.#done.add(knot.id);
    for (const [index, to] of knot.parents.entries()) {
      if (this.#done.has(to)) {
        // It stands above already, where clocks disagreed.
        continue;
      }
      const known = lanes.findIndex((one) => one?.to === to);
      if (known >= 0 && index > 0) {
        lower.push({ from: lane, to: known, line: lanes[known]?.line ?? line });
        continue;
      }
      const at = index === 0 ? lane : freeOf(lanes, lane);
      const next = { to, line: index === 0 ? line : this.#newLine() };
      lanes[at] = next;
      lower.push({ from: lane, to: at, line: next.line });
    }
    while (lanes.length > 0 && lanes.at(-1) === undefined) {
      lanes.pop();
    }
    this.#lanes = lanes;
    return { lane, line, upper, lower, width: Math.max(before.length, lanes.length, lane + 1) };
  }

  #newLine(): number {
    this.#lines += 1;
    return this.#lines - 1;
  }
}

function freeOf(lanes: readonly (Lane | undefined)[], taken?: number): number {
  for (let at = 0; ; at += 1) {
    if (lanes[at] === undefined && at !== taken) {
      return at;
    }
  }
}

function pieces(
  lanes: readonly (Lane | undefined)[],
  to: (at: number, lane: Lane) => number,
): Piece[] {
  return lanes.flatMap((lane, at) =>
    lane ? [{ from: at, to: to(at, lane), line: lane.line }] : [],
  );
}
