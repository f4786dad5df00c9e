// The few statistics that the bench needs, and the loop that measures sides in turn.

import type { Goal, Line } from './row.ts';

/** Returns the middle value; of an even number the mean of the two. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Returns our median over theirs; undefined where nothing is compared. */
export function ratioOf({ ours, against }: Line): number | undefined {
  return against && median(ours) / median(against.values);
}

/** Returns whether a line's goal is met; undefined where it has none. */
export function isMet(line: Line): boolean | undefined {
  const { goal, ours } = line;
  if (!goal) {
    return undefined;
  }
  const figure = figureOf(goal, line, ours);
  return figure <= (goal.most ?? Infinity) && figure >= (goal.least ?? -Infinity);
}

function figureOf(goal: Goal, line: Line, ours: readonly number[]): number {
  switch (goal.of) {
    case 'ratio':
      return ratioOf(line) ?? Number.NaN;
    case 'max':
      return Math.max(...ours);
    case 'median':
      return median(ours);
    default:
      return goal.of satisfies never;
  }
}

/**
 * Measures each side `rounds` times, all sides in each round and every second round backwards, so that what the machine
 * does meanwhile falls on all alike. A side does its own preparations and returns its figure.
 */
export async function interleaved<Name extends string>(
  rounds: number,
  sides: Readonly<Record<Name, (round: number) => Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(sides) as Name[];
  const values = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      values[name].push(await sides[name](round));
    }
  }
  return values;
}
