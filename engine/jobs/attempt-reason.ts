// Why an attempt at a datum failed, in a sentence for its user.

import type { ResourceLimits, RunResult } from '../executor/executor.ts';
import type { DatumTask } from './datum-task.ts';

/** How many of the last lines the sentence quotes, and how long. */
const QUOTED_LINES = 3;
const QUOTED_CHARACTERS = 300;
/** What a shell makes of SIGKILL. */
const KILLED = 137;

/** Returns the sentence, or undefined where the command succeeded. */
export function failureReason(
  result: RunResult,
  options: {
    readonly acceptReturnCodes: readonly number[];
    readonly timeoutMs?: number;
    readonly limits: ResourceLimits;
    readonly lastLines: readonly string[];
  },
): string | undefined {
  const { acceptReturnCodes, timeoutMs, limits, lastLines } = options;
  switch (result.kind) {
    case 'exited':
      if (result.code === 0 || acceptReturnCodes.includes(result.code)) {
        return undefined;
      }
      return `exit code ${result.code}${killedHint(result.code, limits)}${quote(lastLines)}${readOnlyHint(lastLines)}`;
    case 'asked':
      return result.error === '' ? undefined : `it reported: ${result.error}${quote(lastLines)}`;
    case 'never_asked':
      return `it ended with code ${result.code} and never asked for a datum; it must call pfs next-datum, since its spec says datum_batching${quote(lastLines)}`;
    case 'timed_out':
      return `it took longer than its time-out of ${seconds(timeoutMs)}${quote(lastLines)}`;
    case 'lost':
      return result.outOfMemory
        ? `out of memory${memoryLimit(limits)}${quote(lastLines)}`
        : `its container died: ${result.reason}${quote(lastLines)}`;
  }
}

/** What logs say of {@link isForeignFault}. */
export const FOREIGN_FAULT =
  'pfs: a program was not found in a container that other datums have used; trying again in a fresh one\n';

/** A program that isn't there, or isn't one, in a container in which other commands may have removed or changed it. */
export function isForeignFault(
  result: RunResult,
  task: Pick<DatumTask, 'acceptReturnCodes'>,
): boolean {
  return (
    result.kind === 'exited' &&
    (result.code === 126 || result.code === 127) &&
    !task.acceptReturnCodes.includes(result.code)
  );
}

/** Returns the code with which a command ended, 0 where it is done and stays up; null where it did not end by itself. */
export function exitCodeOf(result: RunResult): number | null {
  switch (result.kind) {
    case 'exited':
    case 'never_asked':
      return result.code;
    case 'asked':
      return result.error === '' ? 0 : null;
    default:
      return null;
  }
}

function killedHint(code: number, limits: ResourceLimits): string {
  if (code !== KILLED) {
    return '';
  }
  return ` (killed; perhaps for want of memory${memoryLimit(limits)})`;
}

function memoryLimit({ memoryBytes }: ResourceLimits): string {
  return memoryBytes === undefined
    ? ': the machine has no more'
    : `: the limit is ${Math.round(memoryBytes / 2 ** 20)} MiB, see resource_limits`;
}

function quote(lines: readonly string[]): string {
  const last = lines.filter((line) => line.trim() !== '').slice(-QUOTED_LINES);
  if (last.length === 0) {
    return '';
  }
  const text = last.join(' | ');
  const shown = text.length > QUOTED_CHARACTERS ? `…${text.slice(-QUOTED_CHARACTERS)}` : text;
  return `; last lines: ${shown}`;
}

function readOnlyHint(lines: readonly string[]): string {
  return lines.some((line) => line.includes('Read-only file system'))
    ? '; inputs in /pfs are read-only: write to /pfs/out, or copy the input to /tmp first'
    : '';
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? 'unknown length' : `${ms / 1000} s`;
}
