// What user code printed.

import type { LogLine } from '../../engine/server/wire.ts';
import { usageError } from '../cli-error.ts';
import type { Query } from '../client.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { findJob } from '../job-lookup.ts';
import { isCommitId, parsePipelineName } from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['logs', 'get logs'],
    summary: 'Print what the code of a pipeline, job or datum printed',
    usage: '<pipeline> | <pipeline@job> | <job>',
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
      job: {
        type: 'string',
        short: 'j',
        value: 'job',
        description: 'of this job: its id, or pipeline@job',
      },
      datum: {
        type: 'string',
        value: 'id',
        description: 'of this datum; the beginning of its id is enough',
      },
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
      const job =
        args.string('job') ??
        (first !== undefined && (first.includes('@') || isCommitId(first)) ? first : undefined);
      const name = args.string('pipeline') ?? (job === first ? undefined : first);
      if (job === undefined && name === undefined) {
        throw usageError('Say whose logs: pfs logs <pipeline>, or -j <pipeline>@<job>');
      }
      const lines = context.client.lines<LogLine>('/logs', {
        ...(await whose(context, job, name)),
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

/** What the engine is asked for. The id of a job alone is of every pipeline that has it. */
async function whose(
  context: Context,
  job: string | undefined,
  pipeline: string | undefined,
): Promise<Query> {
  if (job === undefined) {
    const { project, name } = parsePipelineName(pipeline ?? '', context.project);
    return { project, pipeline: name };
  }
  if (pipeline === undefined && isCommitId(job)) {
    return { job };
  }
  const words = job.includes('@') || pipeline === undefined ? [job] : [pipeline, job];
  const found = await findJob(context, words);
  return { project: found.pipeline.project, pipeline: found.pipeline.name, job: found.id };
}
