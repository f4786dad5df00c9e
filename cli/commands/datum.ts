// Commands on datums.

import { jobParams } from '../../client/params.ts';
import type { Datum } from '../../engine/server/wire.ts';
import type { ParsedArguments } from '../arguments.ts';
import { usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { formatDuration, formatImage, formatSize, formatTime } from '../format.ts';
import { findJob } from '../job-lookup.ts';
import { isCommitId, showName } from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['list datum'],
    summary: 'List the datums of a job, or those that a spec would have',
    usage: '<pipeline@job> | <pipeline> <job> | <job> | <pipeline> | -f <spec>',
    completes: 'pipeline',
    arguments: [0, 2],
    options: {
      file: {
        type: 'string',
        short: 'f',
        value: 'spec',
        completes: 'file',
        description:
          'a spec: lists the datums that its pipelines would have now, and makes nothing',
      },
      state: {
        type: 'strings',
        value: 'state',
        description: 'only those in this state: failed, recovered, skipped …; may be repeated',
      },
      number: { type: 'number', short: 'n', value: 'count', description: 'at most this many' },
    },
    examples: [
      ['list datum model --state failed', 'lists the datums of its newest job that failed'],
      ['list datum model@018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'lists its datums and their states'],
      ['list datum model', 'lists those of the newest job'],
      ['list datum -f model.json -n 10', 'lists the first datums that the spec would have'],
    ],
    run: listDatum,
  },
  {
    names: ['inspect datum'],
    summary: 'Show one datum: what it read, what came of it',
    details: 'The beginning of its id is enough.',
    usage: '<pipeline@job> <datum> | <pipeline> <job> <datum> | <job> <datum> | <pipeline> <datum>',
    completes: 'pipeline',
    arguments: [2, 3],
    options: {},
    examples: [
      [
        'inspect datum model@018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e 5d9a3c',
        'shows one; see the ids with list datum',
      ],
    ],
    run: async (context, args) => {
      const words = args.positionals;
      const datumId = words.at(-1);
      if (!datumId) {
        throw usageError('Name the datum; see the ids with pfs list datum');
      }
      const { pipeline, id } = await findJob(context, words.slice(0, -1), { newest: true });
      const datum = await context.client.call(
        'GET /pipelines/{project}/{pipeline}/jobs/{id}/datums/{datum}',
        {
          params: { ...jobParams(pipeline, id), datum: datumId },
        },
      );
      const { stats } = datum;
      await context.output.fields(datum, () => [
        ['ID', datum.id],
        ['Job', datum.job],
        ['State', datum.state],
        [
          'Made by',
          datum.producedBy && datum.producedBy !== datum.job
            ? `job ${datum.producedBy}`
            : undefined,
        ],
        ['Reason', datum.reason],
        ['Exit code', datum.exitCode === null ? undefined : String(datum.exitCode)],
        ['Tries', String(datum.tries)],
        ['Started', formatTime(datum.started, context.output.times)],
        [
          'Downloaded',
          stats
            ? `${formatSize(stats.downloadBytes)} in ${formatDuration(stats.downloadMs)}`
            : undefined,
        ],
        ['Processing', stats ? formatDuration(stats.processMs) : undefined],
        [
          'Uploaded',
          stats
            ? `${formatSize(stats.uploadBytes)} in ${formatDuration(stats.uploadMs)}`
            : undefined,
        ],
        ['Pipeline version', datum.version === null ? undefined : String(datum.version)],
        ['Image', datum.image ? formatImage(datum.image) : undefined],
        ['Secrets', datum.secrets?.join(', ')],
        [
          'Inputs',
          datum.inputs
            .map(
              (input) =>
                `${input.name}: ${showName(input.repo)}@${input.branch}=${input.commit}:${input.path} (${formatSize(input.size)})`,
            )
            .join('\n'),
        ],
        ['Hash', datum.hash],
      ]);
    },
  },
  {
    names: ['restart datum'],
    summary: 'Begin again with datums that are being processed: their commands are killed',
    details:
      'For a command that hangs. It runs again in a new container, and its tries are counted anew. Without a datum or path, all that are being processed are restarted.',
    usage:
      '<pipeline@job> [datum | /path]… | <pipeline> <job> [datum | /path]… | <pipeline> [datum | /path]…',
    completes: 'pipeline',
    arguments: [1, 100],
    options: {},
    examples: [
      ['restart datum model', 'restarts all that the newest job of model is at'],
      ['restart datum model@master 5d9a3c', 'restarts one, by the beginning of its id'],
      ['restart-datum model /2024', 'restarts those that read /2024 or files below it'],
    ],
    run: restartDatum,
  },
];

async function restartDatum(context: Context, args: ParsedArguments): Promise<void> {
  const { client, output } = context;
  const [first = '', ...rest] = args.positionals;
  const isPair = !first.includes('@') && isCommitId(rest[0] ?? '');
  const words = isPair ? [first, rest.shift() ?? ''] : [first];
  const { pipeline, id } = await findJob(context, words, { newest: true });
  const { restarted } = await client.call(
    'POST /pipelines/{project}/{pipeline}/jobs/{id}/restart',
    {
      params: jobParams(pipeline, id),
      body: { datums: rest.flatMap((word) => word.split(',')).filter((word) => word !== '') },
    },
  );
  await output.table(restarted, {
    heading: ['DATUM', 'WORKER'],
    row: ({ datum, worker }) => [datum, worker],
  });
}

async function listDatum(context: Context, args: ParsedArguments): Promise<void> {
  const { client, output, project } = context;
  const file = args.string('file');
  if (file !== undefined) {
    if (args.positionals.length > 0) {
      throw usageError('Name a job or a spec, not both');
    }
    const { readSpec } = await import('../spec-source.ts');
    const { PLANNED_HEADING, plannedRow } = await import('../preview-view.ts');
    const { text, name } = await readSpec(context, file);
    const datums = client.lines('POST /previews/datums', {
      query: { project, file: name },
      body: text,
    });
    const heading = PLANNED_HEADING;
    await output.table(first(datums, args.number('number')), { heading, row: plannedRow });
    return;
  }
  const { pipeline, id } = await findJob(context, args.positionals, { newest: true });
  const datums = client.items('GET /pipelines/{project}/{pipeline}/jobs/{id}/datums', {
    params: jobParams(pipeline, id),
    query: { state: args.strings('state').join(',') || undefined },
    most: args.number('number'),
  });
  await output.table(datums, {
    heading: ['ID', 'FILES', 'STATUS', 'TIME'],
    row: (datum) => [
      datum.id,
      datum.inputs.map((input) => `${showName(input.repo)}:${input.path}`).join(', '),
      datum.state,
      datum.stats ? formatDuration(totalMs(datum)) : '-',
    ],
  });
}

async function* first<T>(items: AsyncIterable<T>, count = Infinity): AsyncIterable<T> {
  let left = count;
  for await (const item of items) {
    if (left <= 0) {
      return;
    }
    left -= 1;
    yield item;
  }
}

function totalMs(datum: Datum): number {
  const { stats } = datum;
  return stats ? stats.downloadMs + stats.processMs + stats.uploadMs : 0;
}
