// What a worker is told about one datum of one job.

import { parseDuration } from '../base/duration.ts';
import type { JobRecord } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { repoKeyOf } from '../pfs/names.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import { datumEnvironment, inputBranch } from '../pipeline/environment.ts';
import { stdinText, type Transform } from '../pipeline/spec.ts';
import type { ContentWriter } from './contents.ts';
import type { DatumTask, MountEntry } from './datum-task.ts';
import type { JobInputs } from './job-inputs.ts';
import { committedContents } from './session-writer.ts';

/** Lends out where outputs are written. */
export interface Lender {
  lend<T>(use: (writer: ContentWriter) => Promise<T>): Promise<T>;
}

/** Returns a function that makes the task of a datum for the worker of a name. */
export function taskMaker(
  inputs: JobInputs,
  options: {
    readonly job: Pick<JobRecord, 'id' | 'version' | 'specCommit'>;
    readonly context: PfsContext;
    readonly session: Lender;
  },
): (datum: Datum, worker: string) => DatumTask {
  const { job, context, session } = options;
  const { spec } = inputs;
  const { transform, datum_tries: tries, datum_timeout: timeout } = spec;
  const stdin = stdinText(transform.stdin);
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout);
  const commits = new Map([...inputs.commits].map(([branch, commit]) => [branch, commit.id]));
  const contents = committedContents(context);
  const { id: jobId, version, specCommit } = job;
  // What is the same for thousands of datums is worked out once.
  const fixed = {
    command: transform.cmd,
    ...(stdin === undefined ? {} : { stdin }),
    ...(transform.working_dir === undefined ? {} : { workingDirectory: transform.working_dir }),
    ...(transform.datum_batching ? { takesDatums: true } : {}),
    acceptReturnCodes: transform.accept_return_code,
    ...recovery(transform),
    tries,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    contents,
    withWriter: <T>(use: (writer: ContentWriter) => Promise<T>) => session.lend(use),
  };
  return (datum, worker) => ({
    ...fixed,
    datum: datum.id,
    entries: mountEntries(datum),
    ...buckets(datum, { commits, isOutput: spec.s3_out }),
    environment: datumEnvironment({ datum, jobId, spec, version, specCommit, worker, commits }),
  });
}

/** Returns what a datum shows to user code below `/pfs`. */
export function mountEntries(datum: Datum): MountEntry[] {
  return datum.inputs
    .filter(({ s3 }) => s3 !== true)
    .map(({ name, path, mode, id, emptyFiles, lazy = false }) => ({
      input: name,
      path,
      mode,
      id,
      emptyFiles,
      lazy,
    }));
}

function buckets(
  datum: Datum,
  options: { readonly commits: ReadonlyMap<string, string>; readonly isOutput: boolean },
): Pick<DatumTask, 'buckets'> {
  const { commits, isOutput } = options;
  const inputs = datum.inputs
    .filter(({ s3 }) => s3 === true)
    .map((input) => {
      const commit = commits.get(inputBranch(input)) ?? '';
      return [input.name, { repo: repoKeyOf(input.project, input.repo), commit }] as const;
    });
  return inputs.length > 0 || isOutput ? { buckets: { inputs: new Map(inputs), isOutput } } : {};
}

function recovery({ err_cmd: command, err_stdin }: Transform): Pick<DatumTask, 'recovery'> {
  if (command === undefined || command.length === 0) {
    return {};
  }
  const stdin = stdinText(err_stdin);
  return { recovery: { command, ...(stdin === undefined ? {} : { stdin }) } };
}
