// What user code printed.

import type { LogLine } from '../../engine/server/wire.ts';
import { usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import { parseJob, parsePipelineName } from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['logs', 'get logs'],
    summary: 'Print what the code of a pipeline, job or datum printed',
    usage: '[<pipeline> | <pipeline@job>]',
    completes: 'pipeline',
    arguments: [0, 1],
    options: {
      pipeline: {
        type: 'string',
        short: 'p',
        value: 'name',
        completes: 'pipeline',
        description: 'of this pipeline',
      },
      job: { type: 'string', short: 'j', value: 'pipeline@job', description: 'of this job' },
      datum: { type: 'string', value: 'id', description: 'of this datum; with -j' },
      follow: {
        type: 'boolean',
        short: 'f',
        description: 'go on with what is printed from now, until Ctrl-C',
      },
      tail: {
        type: 'number',
        short: 't',
        value: 'count',
        description: 'only this many of the last lines',
      },
    },
    examples: [
      ['logs model', 'prints all that model printed'],
      ['logs -p model -f', 'goes on as it prints'],
      ['logs -j model@018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e -t 20', 'prints the last lines of a job'],
    ],
    run: async (context, args) => {
      const [first] = args.positionals;
      const job = args.string('job') ?? (first?.includes('@') ? first : undefined);
      const name = args.string('pipeline') ?? (job === first ? undefined : first);
      const ofJob = job === undefined ? undefined : parseOwnJob(job, name, context.project);
      const pipeline =
        ofJob?.pipeline ??
        (name === undefined ? undefined : parsePipelineName(name, context.project));
      if (!pipeline) {
        throw usageError('Say whose logs: pfs logs <pipeline>, or -j <pipeline>@<job>');
      }
      const lines = context.client.lines<LogLine>('/logs', {
        project: pipeline.project,
        pipeline: pipeline.name,
        job: ofJob?.id,
        datum: args.string('datum'),
        follow: args.flag('follow'),
        tail: args.number('tail'),
      });
      for await (const line of lines) {
        await (context.output.raw ? context.output.json(line) : context.output.line(line.message));
      }
    },
  },
];

/** A job is named in full, or by its id beside `-p`. */
function parseOwnJob(
  job: string,
  pipeline: string | undefined,
  project: string,
): ReturnType<typeof parseJob> {
  return parseJob(job.includes('@') || pipeline === undefined ? [job] : [pipeline, job], project);
}
