// How the bench shows what it measured: one table for people, one document for programs.

import { cpus, totalmem } from 'node:os';
import { isMet, median, ratioOf } from './figures.ts';
import type { Goal, Line } from './row.ts';

/** What came of one row. */
export interface RowResult {
  readonly row: string;
  readonly lines: readonly Line[];
  /** The most memory that an engine had meanwhile, in bytes; 0 where none ran or the system doesn't tell. */
  readonly peakBytes: number;
  /** Why there are no lines. */
  readonly failure?: string;
}

const MiB = 1024 * 1024;
const HEADING = ['row', 'work', 'ours', 'theirs', 'ratio', 'goal', 'met', 'engine'];

/** Returns the table as text, with the peak of all rows at its end. */
export function showTable(results: readonly RowResult[]): string {
  const cells = [HEADING];
  for (const { row, lines, peakBytes, failure } of results) {
    const memory = peakBytes > 0 ? `${Math.round(peakBytes / MiB)} MiB` : '–';
    if (failure !== undefined) {
      cells.push([row, 'not measured', '–', '–', '–', '–', '–', memory]);
    }
    for (const line of lines) {
      cells.push([row, line.work, ...showLine(line), memory]);
    }
  }
  cells.push(['memory', 'peak of the engine in all rows', ...showLine(memoryLine(results)), '']);
  const widths = HEADING.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  );
  return cells
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Returns all figures, and on what they were measured. */
export function toJson(results: readonly RowResult[], options: { quick: boolean }): unknown {
  const processors = cpus();
  return {
    time: new Date().toISOString(),
    quick: options.quick,
    machine: {
      processors: processors.length,
      model: processors[0]?.model,
      memoryBytes: totalmem(),
      node: process.version,
    },
    rows: results.map(({ lines, ...result }) => ({
      ...result,
      lines: lines.map((line) => ({
        ...line,
        median: median(line.ours),
        ratio: ratioOf(line),
        met: isMet(line),
      })),
    })),
  };
}

function memoryLine(results: readonly RowResult[]): Line {
  const ours = results.map(({ peakBytes }) => peakBytes / MiB).filter((peak) => peak > 0);
  return { work: '', unit: 'MiB', ours, goal: { of: 'max', most: 600 } };
}

function showLine(line: Line): string[] {
  const { ours, unit, against, goal } = line;
  const ratio = ratioOf(line);
  const met = isMet(line);
  return [
    showValues(ours, unit),
    against ? `${against.what} ${showValues(against.values, unit)}` : '–',
    ratio === undefined ? '–' : `${number(ratio)} ×`,
    goal ? showGoal(goal, unit) : '–',
    met === undefined ? '–' : met ? 'yes' : 'NO',
  ];
}

function showGoal(goal: Goal, unit: string): string {
  const sign = goal.most === undefined ? '≥' : '≤';
  const value = goal.most ?? goal.least ?? 0;
  return goal.of === 'ratio' ? `${sign} ${value} ×` : `${sign} ${value} ${unit}`;
}

function showValues(values: readonly number[], unit: string): string {
  const middle = `${number(median(values))} ${unit}`;
  return values.length > 1
    ? `${middle} (${number(Math.min(...values))}–${number(Math.max(...values))})`
    : middle;
}

/** With three digits or so that count. */
function number(value: number): string {
  if (!Number.isFinite(value)) {
    return '–';
  }
  return value >= 100 ? String(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}
