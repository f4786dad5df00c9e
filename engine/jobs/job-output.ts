// The output tree of a job: that of the job before, without what vanished datums wrote, with what new ones wrote.

import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import { type JobRecord, metaRepo } from '../journal/records.ts';
import { getCommit, lastGood } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { GitSession } from '../pfs/directory.ts';
import { findFile } from '../pfs/files.ts';
import { shortRepo } from '../pfs/names.ts';
import { subtractTree } from '../pfs/tree-edit.ts';
import { uniteTrees } from '../pfs/tree-union.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import type { JobBase } from './job-base.ts';
import type { JobEnd } from './job-end.ts';
import { allDatums, type JobInputs } from './job-inputs.ts';
import { findResult } from './results.ts';
import { committedContents } from './session-writer.ts';

/** What one datum wrote. */
export interface DatumOutput {
  readonly datum: Datum;
  readonly tree: string | null;
}

export interface OutputChange {
  /** The output of the job before; null where there is none. */
  readonly base: string | null;
  /** Outputs of datums that vanished or changed. */
  readonly removed: readonly (string | null)[];
  readonly added: readonly DatumOutput[];
  /** Finds, among the datums that did not change, the one that wrote a path. */
  readonly findOwner: (path: string) => Promise<Datum | undefined>;
}

/** A job that ends, and what its output is made of. */
export interface OutputEnding {
  readonly inputs: JobInputs;
  readonly job: JobRecord;
  /** The job that it starts from. */
  readonly base: JobBase | undefined;
  readonly removed: OutputChange['removed'];
  readonly added: OutputChange['added'];
  readonly end: JobEnd;
}

/** Adds the output to the end of a job that succeeded; one that can't be made is a failure. */
export async function endWithOutput(
  context: PfsContext,
  session: GitSession,
  ending: OutputEnding,
): Promise<JobEnd> {
  const { inputs, job, base, removed, added, end } = ending;
  if (end.state !== 'success') {
    return end;
  }
  try {
    const tree = await outputTree(session, {
      base: base?.tree ?? null,
      removed,
      added,
      findOwner: (path) => findWriter(context, { inputs, path, job }),
    });
    return { ...end, tree };
  } catch (error) {
    if (!isEngineError(error, 'failed_precondition') && !isEngineError(error, 'invalid')) {
      throw error;
    }
    return { state: 'failure', reason: errorText(error) };
  }
}

/** Returns the output tree. Rejects with `failed_precondition` when two datums wrote one path, naming the path and both. */
export async function outputTree(
  session: GitSession,
  change: OutputChange,
): Promise<string | null> {
  const { base, removed, added } = change;
  const gone = await uniteTrees(session, removed, () => undefined);
  const kept = await subtractTree(session, base, gone);
  const clashes: { path: string; first: number; second: number }[] = [];
  const united = await uniteTrees(
    session,
    [kept, ...added.map(({ tree }) => tree)],
    (path, first, second) => {
      if (clashes.length === 0) {
        clashes.push({ path, first, second });
      }
    },
  );
  const [clash] = clashes;
  if (clash === undefined) {
    return united;
  }
  const { path, first, second } = clash;
  const one = first === 0 ? await change.findOwner(path) : added[first - 1]?.datum;
  const other = added[second - 1]?.datum;
  throw new EngineError(
    'failed_precondition',
    `two datums wrote the same output path "/${path}": ${describeDatum(one)} and ${describeDatum(other)}; make the path depend on the input`,
  );
}

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

/** Returns the datum of a job, among those that earlier jobs processed, that wrote `path`. */
export async function findWriter(
  context: PfsContext,
  what: {
    readonly inputs: JobInputs;
    readonly job: Pick<JobRecord, 'pipeline' | 'id'>;
    readonly path: string;
  },
): Promise<Datum | undefined> {
  const { inputs, job, path } = what;
  const contents = committedContents(context);
  const meta = await getCommit(context, metaRepo(job.pipeline), job.id);
  const { tree } = (await lastGood(context, meta.repo, meta.parent)) ?? { tree: null };
  for await (const datum of allDatums(context, inputs)) {
    const result = await findResult(contents, { tree, hash: datum.hash });
    if (result && (await findFile(context.objects, result.output, path)) !== undefined) {
      return datum;
    }
  }
  return undefined;
}
