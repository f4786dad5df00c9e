// Commands on defaults: what every pipeline has that does not say otherwise.

import type { DefaultsChange } from '../../engine/server/wire-defaults.ts';
import type { ParsedArguments } from '../arguments.ts';
import { usageError } from '../cli-error.ts';
import type { Command, Option } from '../command.ts';
import type { Context } from '../context.ts';
import { showName } from '../refs.ts';

const cluster: Option = { type: 'boolean', description: 'those of all pipelines' };
const file: Option = {
  type: 'string',
  short: 'f',
  value: 'file',
  completes: 'file',
  description: 'the defaults: a JSON or YAML file, a URL, or - for standard input',
};
const changing = {
  cluster,
  regenerate: {
    type: 'boolean',
    description: 'update the pipelines that differ; else they stay as they are until updated',
  },
  reprocess: { type: 'boolean', description: 'and process all their datums again' },
  'dry-run': { type: 'boolean', description: 'change nothing: show which pipelines would differ' },
} as const satisfies Record<string, Option>;

const ABOUT =
  'Defaults are fields of a spec. A spec stands on those of its project, and these on those of the cluster: objects are merged, lists and values replaced, and null erases.';
const SCOPE = '--cluster | --project <name>';

export const commands: readonly Command[] = [
  {
    names: ['create defaults'],
    summary: 'Make the defaults of all pipelines, or of those of a project',
    details: ABOUT,
    usage: '--cluster -f <file> | --project <name> -f <file>',
    arguments: [0, 0],
    options: { ...changing, file },
    examples: [
      ['create defaults --cluster -f defaults.json', 'from now on every new pipeline has them'],
      ['create-defaults --project team -f team.yaml --dry-run', 'says which pipelines differ'],
    ],
    run: (context, args) => putDefaults(context, args, { create: true }),
  },
  {
    names: ['update defaults'],
    summary: 'Replace the defaults of all pipelines, or of those of a project, or make them',
    details: ABOUT,
    usage: '--cluster -f <file> | --project <name> -f <file>',
    arguments: [0, 0],
    options: { ...changing, file },
    examples: [
      ['update defaults --cluster -f defaults.json', 'replaces them for pipelines to come'],
      ['update-defaults --cluster -f defaults.json --regenerate', 'and for those that are there'],
    ],
    run: (context, args) => putDefaults(context, args, {}),
  },
  {
    names: ['inspect defaults'],
    summary: 'Show the defaults of the cluster or a project, as they were written',
    usage: SCOPE,
    arguments: [0, 0],
    options: { cluster },
    examples: [['inspect defaults --cluster > defaults.json', 'saves those of the cluster']],
    run: async (context, args) => {
      const { client, output } = context;
      const project = projectOf(args);
      const defaults =
        project === undefined
          ? await client.call('GET /defaults/cluster')
          : await client.call('GET /defaults/projects/{project}', { params: { project } });
      if (output.raw) {
        await output.json(defaults);
        return;
      }
      const text = defaults.text || '{}';
      await output.write(text.endsWith('\n') ? text : `${text}\n`);
    },
  },
  {
    names: ['delete defaults'],
    summary: 'Delete the defaults of the cluster or a project',
    usage: SCOPE,
    arguments: [0, 0],
    options: changing,
    examples: [['delete defaults --project team', 'leaves those of the cluster']],
    run: async (context, args) => {
      const project = projectOf(args);
      const query = asked(args);
      const isAlone = args.flag('dry-run');
      const change =
        project === undefined
          ? await context.change('DELETE /defaults/cluster', { query }, { isAlone })
          : await context.change(
              'DELETE /defaults/projects/{project}',
              { params: { project }, query },
              { isAlone },
            );
      await show(context, change, { isDry: isAlone });
    },
  },
];

/** Returns whose defaults are meant: a project's, or undefined for those of all pipelines. */
function projectOf(args: ParsedArguments): string | undefined {
  const project = args.string('project');
  if (args.flag('cluster') === (project !== undefined)) {
    throw usageError('Say whose defaults are meant: --cluster, or --project <name>');
  }
  return project;
}

function asked(args: ParsedArguments) {
  return {
    regenerate: args.flag('regenerate') || args.flag('reprocess'),
    reprocess: args.flag('reprocess'),
    'dry-run': args.flag('dry-run'),
  };
}

async function putDefaults(
  context: Context,
  args: ParsedArguments,
  options: { readonly create?: boolean },
): Promise<void> {
  const project = projectOf(args);
  const { readSpec } = await import('../spec-source.ts');
  const missing = 'Name the file of the defaults with -f; - reads standard input';
  const { text: body, name } = await readSpec(context, args.string('file'), { missing });
  const sending = { query: { ...asked(args), ...options, file: name }, body };
  const isAlone = args.flag('dry-run');
  const change =
    project === undefined
      ? await context.change('PUT /defaults/cluster', sending, { isAlone })
      : await context.change(
          'PUT /defaults/projects/{project}',
          { params: { project }, ...sending },
          { isAlone },
        );
  await show(context, change, { isDry: isAlone });
}

async function show(
  context: Context,
  change: DefaultsChange,
  { isDry }: { readonly isDry: boolean },
): Promise<void> {
  const { output } = context;
  if (output.raw) {
    await output.json(change);
    return;
  }
  const names = change.affected.map(showName).join(', ');
  if (names === '') {
    return;
  }
  if (change.regenerated) {
    await output.line(`${isDry ? 'Would update' : 'Updated'}: ${names}`);
  } else {
    output.note(
      `These pipelines ${isDry ? 'would differ' : 'differ'} from their defaults until they are updated, with pfs update-pipeline or --regenerate here: ${names}`,
    );
  }
}
