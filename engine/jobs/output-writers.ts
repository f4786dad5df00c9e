// The datums behind an output path, and how they are named to people.

import type { PfsContext } from '../pfs/context.ts';
import { findFile } from '../pfs/files.ts';
import { shortRepo } from '../pfs/names.ts';
import type { WriteSession } from '../pfs/write-session.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import type { ContentReader } from './contents.ts';
import type { DatumResult } from './datum-result.ts';
import { allDatums, type JobInputs } from './job-inputs.ts';
import { findResult } from './results.ts';
import { SessionWriter } from './session-writer.ts';

/** Names a datum for people: its inputs, and the beginning of its id. */
export function describeDatum(datum: Datum | undefined): string {
  if (datum === undefined) {
    return 'an earlier datum';
  }
  const inputs = datum.inputs.map(
    (input) => `${shortRepo(`${input.project}/${input.repo}`)}:${input.path}`,
  );
  return `${datum.id.slice(0, 12)} (${inputs.join(' × ')})`;
}

/** Returns the first two datums of a job that wrote `path`, by their results: of this job, or of earlier ones. */
export async function findWriters(
  context: PfsContext,
  session: WriteSession,
  what: {
    readonly inputs: JobInputs;
    /** Trees of results, those that count first. */
    readonly results: readonly (string | null)[];
    readonly path: string;
  },
): Promise<readonly Datum[]> {
  const { inputs, results, path } = what;
  const contents = new SessionWriter(session);
  const found: Datum[] = [];
  for await (const datum of allDatums(context, inputs)) {
    const result = await firstResult(contents, results, datum.hash);
    if (result && (await findFile(session, result.output, path)) !== undefined) {
      found.push(datum);
    }
    if (found.length === 2) {
      break;
    }
  }
  return found;
}

/** Finds the result of a datum hash in the first of some trees that has one. */
async function firstResult(
  contents: ContentReader,
  trees: readonly (string | null)[],
  hash: string,
): Promise<DatumResult | undefined> {
  for (const tree of trees) {
    const result = await findResult(contents, { tree, hash });
    if (result) {
      return result;
    }
  }
  return undefined;
}
