// What user code printed.

import type { QueryOf } from '../../engine/server/operations/types.ts';
import type { LogLine } from '../../engine/server/wire.ts';
import type { ParsedArguments } from '../arguments.ts';
import { usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { parseDuration } from '../duration.ts';
import { formatLocal } from '../format.ts';
import { findJob } from '../job-lookup.ts';
import { isCommitId, parsePipelineName, showName } from '../refs.ts';

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
      path: {
        type: 'string',
        value: 'path',
        aliases: ['input'],
        description: 'of datums that read this path; a glob, perhaps after a repo: words:/a*',
      },
      since: {
        type: 'string',
        value: 'time',
        description: 'printed at this time or later: 10m (ago), 2026-11-26, 2026-11-26T09:30',
      },
      until: { type: 'string', value: 'time', description: 'printed at this time or earlier' },
      grep: {
        type: 'string',
        short: 'g',
        value: 'pattern',
        description: 'only lines that match this regular expression',
      },
      timestamps: {
        type: 'boolean',
        short: 'T',
        description: 'begin each line with its time, pipeline and datum',
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
      ['logs -p model -f', 'goes on as it prints, from job to job'],
      [
        'logs model --since 2h --grep Error -T',
        'finds lines of the last two hours, with their times',
      ],
      ['logs model --path /iris.csv', 'prints what was said about one file'],
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
      const { text, pattern } = readPattern(args.string('grep'));
      const tail = args.number('tail');
      const lines = context.client.lines('GET /logs', {
        query: {
          ...(await whose(context, job, name)),
          datum: args.string('datum'),
          path: args.string('path'),
          since: timeOption(context, args, 'since'),
          until: timeOption(context, args, 'until'),
          text,
          follow: args.flag('follow'),
          // What the engine does not choose by, it can't count.
          tail: pattern ? undefined : tail,
        },
      });
      const show = async (line: LogLine): Promise<void> => {
        await (context.output.raw
          ? context.output.json(line)
          : context.output.line(args.flag('timestamps') ? stamped(line) : line.message));
      };
      if (pattern) {
        await showMatching(lines, { pattern, show, tail: args.flag('follow') ? undefined : tail });
        return;
      }
      for await (const line of lines) {
        await show(line);
      }
    },
  },
];

/** Text is looked for by the engine, a pattern here: nobody's pattern may hold the engine up. */
function readPattern(given: string | undefined): {
  readonly text?: string;
  readonly pattern?: RegExp;
} {
  if (given === undefined) {
    return {};
  }
  if (!/[\\^$.*+?()[\]{}|]/.test(given)) {
    return { text: given };
  }
  try {
    return { pattern: new RegExp(given, 'u') };
  } catch (error) {
    throw usageError(`Cannot read the pattern "${given}": ${(error as Error).message}`);
  }
}

async function showMatching(
  lines: AsyncIterable<LogLine>,
  options: {
    readonly pattern: RegExp;
    readonly show: (line: LogLine) => Promise<void>;
    readonly tail: number | undefined;
  },
): Promise<void> {
  const { pattern, show, tail } = options;
  const last: LogLine[] = [];
  for await (const line of lines) {
    if (!pattern.test(line.message)) {
      continue;
    }
    if (tail === undefined) {
      await show(line);
    } else if (last.push(line) > tail) {
      last.shift();
    }
  }
  for (const line of last) {
    await show(line);
  }
}

function timeOption(
  context: Context,
  args: ParsedArguments,
  name: 'since' | 'until',
): string | undefined {
  const text = args.string(name);
  if (text === undefined) {
    return undefined;
  }
  const isSpan = /^\d+(?:\.\d+)?[smhdw]$/.test(text);
  const time = isSpan ? context.output.times.now - parseDuration(text, name) : Date.parse(text);
  if (Number.isNaN(time)) {
    throw usageError(
      `Option --${name} needs a time, as 10m (ago), 2026-11-26 or 2026-11-26T09:30; not "${text}"`,
    );
  }
  return new Date(time).toISOString();
}

function stamped({ time, project, pipeline, datum, message }: LogLine): string {
  const who = `${showName({ project, name: pipeline })}${datum && ` ${datum.slice(0, 12)}`}`;
  return `${formatLocal(Date.parse(time))} ${who}: ${message}`;
}

/** What the engine is asked for. The id of a job alone is of every pipeline that has it. */
async function whose(
  context: Context,
  job: string | undefined,
  pipeline: string | undefined,
): Promise<QueryOf<'GET /logs'>> {
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
