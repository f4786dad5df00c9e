// The exit codes of `pfs`, in one table. Nothing else decides how a process ends.

import type { CliError } from './cli-error.ts';

/** Every exit code, its meaning, and the codes of problems that lead to it. */
export const EXIT_CODES: readonly {
  readonly exit: number;
  readonly meaning: string;
  readonly codes: readonly string[];
}[] = [
  { exit: 0, meaning: 'success', codes: [] },
  {
    exit: 1,
    meaning: 'any other failure; of fsck, doctor and diff file: something found',
    codes: ['internal', 'corrupt', 'cancelled', 'io', 'differs', 'failed_check'],
  },
  {
    exit: 2,
    meaning: 'wrong usage, or a name or spec that is not valid',
    codes: ['usage', 'invalid'],
  },
  { exit: 3, meaning: 'the thing named does not exist', codes: ['not_found'] },
  {
    exit: 4,
    meaning: 'it exists already, or its state does not allow this',
    codes: ['already_exists', 'conflict', 'failed_precondition'],
  },
  {
    exit: 5,
    meaning: 'the engine cannot be reached or started, or died meanwhile',
    codes: ['unreachable'],
  },
  { exit: 6, meaning: 'the job or commit waited for failed', codes: ['job_failed'] },
  { exit: 7, meaning: 'the token is missing or wrong', codes: ['unauthenticated'] },
  {
    exit: 8,
    meaning: 'no room left: disk, memory or a limit',
    codes: ['resource_exhausted', 'rate_limited'],
  },
  { exit: 9, meaning: 'the engine lacks its store, Docker or an image', codes: ['unavailable'] },
  {
    exit: 10,
    meaning: 'the token is good, but its user may not do this',
    codes: ['permission_denied'],
  },
  { exit: 130, meaning: 'interrupted (Ctrl-C)', codes: ['interrupted'] },
];

const byCode = new Map(EXIT_CODES.flatMap(({ exit, codes }) => codes.map((code) => [code, exit])));

/** Returns the exit code for the code of a problem; 1 for a code this client does not know. */
export function exitCodeOf(code: CliError['code']): number {
  return byCode.get(code) ?? 1;
}
