// What a worker is told about one datum of one job.

import { parseDuration } from '../base/duration.ts';
import type { JobRecord } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import { datumEnvironment } from '../pipeline/environment.ts';
import { stdinText, type Transform } from '../pipeline/spec.ts';
import type { ContentWriter } from './contents.ts';
import type { DatumTask } from './datum-task.ts';
import type { JobInputs } from './job-inputs.ts';
import { committedContents } from './session-writer.ts';

/** Lends out where outputs are written. */
export interface Lender {
  lend<T>(use: (writer: ContentWriter) => Promise<T>): Promise<T>;
}

/** Makes the task of a datum. */
export function datumTask(
  inputs: JobInputs,
  options: {
    readonly datum: Datum;
    readonly job: Pick<JobRecord, 'id' | 'version' | 'specCommit'>;
    readonly context: PfsContext;
    readonly session: Lender;
    /** Name of the worker. */
    readonly worker: string;
  },
): DatumTask {
  const { datum, job, context, session, worker } = options;
  const { transform, datum_tries: tries, datum_timeout: timeout } = inputs.spec;
  const stdin = stdinText(transform.stdin);
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout);
  const commits = new Map([...inputs.commits].map(([branch, commit]) => [branch, commit.id]));
  return {
    datum: datum.id,
    entries: datum.inputs.map(({ name, path, mode, id, emptyFiles, lazy = false }) => ({
      input: name,
      path,
      mode,
      id,
      emptyFiles,
      lazy,
    })),
    environment: datumEnvironment({
      datum,
      jobId: job.id,
      spec: inputs.spec,
      version: job.version,
      specCommit: job.specCommit,
      worker,
      commits,
    }),
    command: transform.cmd,
    ...(stdin === undefined ? {} : { stdin }),
    ...(transform.working_dir === undefined ? {} : { workingDirectory: transform.working_dir }),
    acceptReturnCodes: transform.accept_return_code,
    ...recovery(transform),
    tries,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    contents: committedContents(context),
    withWriter: (use) => session.lend(use),
  };
}

function recovery({ err_cmd: command, err_stdin }: Transform): Pick<DatumTask, 'recovery'> {
  if (command === undefined || command.length === 0) {
    return {};
  }
  const stdin = stdinText(err_stdin);
  return { recovery: { command, ...(stdin === undefined ? {} : { stdin }) } };
}
