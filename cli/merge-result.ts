// How a merge or a revert ended, for people: what was made, or which paths are in conflict.

import type { MergeResult, SideChange } from '../engine/server/wire-versions.ts';
import { CliError } from './cli-error.ts';
import type { Context } from './context.ts';

const SAID: Readonly<Record<MergeResult['outcome'], string>> = {
  merged: 'Merged',
  reverted: 'Reverted',
  fast_forward: 'Fast-forward',
  up_to_date: 'Already up to date',
  conflicts: '',
};
const DID: Readonly<Record<SideChange, string>> = {
  added: 'added it',
  changed: 'changed it',
  removed: 'removed it',
  directory: 'has a directory there',
};

/** Prints the result; throws `conflict` where there are conflicts, so that the process ends with the code for that. */
export async function printMerge(
  context: Context,
  result: MergeResult,
  sides: { readonly ours: string; readonly theirs: string; readonly hint: string },
): Promise<void> {
  const { output } = context;
  const { conflicts, conflictCount, commit, outcome } = result;
  if (output.raw) {
    await output.json(result);
  } else if (outcome === 'conflicts') {
    await output.table(conflicts, {
      heading: ['PATH', sides.ours.toUpperCase(), sides.theirs.toUpperCase()],
      row: ({ path, ours, theirs }) => [path, DID[ours], DID[theirs]],
    });
  } else {
    await output.line(`${SAID[outcome]}: ${commit?.id ?? ''}`);
  }
  if (outcome === 'conflicts') {
    const paths = conflictCount === 1 ? 'a path' : `${conflictCount} paths`;
    throw new CliError(
      'conflict',
      `Nothing was changed: both sides changed ${paths}; ${sides.hint}`,
    );
  }
}
