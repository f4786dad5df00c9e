// Commands on specs: checking, editing and taking them out.

import { pipelineParams } from '../../client/params.ts';
import type { Pipeline } from '../../engine/server/wire.ts';
import type { SpecValidation } from '../../engine/server/wire-previews.ts';
import type { ParsedArguments } from '../arguments.ts';
import { CliError, usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { allProjects, projectScope } from '../project-scope.ts';
import { parsePipelineName, showName } from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['validate pipeline'],
    summary: 'Check a spec, and make nothing',
    details:
      'Says all that is wrong, each with file, line, field and remedy, and ends with code 2. Starts no engine: where none runs, or with --offline, repos, other pipelines and defaults are not looked at.',
    usage: '<spec> | -f <spec>',
    completes: 'file',
    arguments: [0, 1],
    options: {
      file: {
        type: 'string',
        short: 'f',
        value: 'spec',
        completes: 'file',
        description: 'the spec: a JSON or YAML file, a URL, or - for standard input',
      },
      offline: { type: 'boolean', description: 'ask no engine, also where one runs' },
    },
    examples: [
      ['validate pipeline model.json', 'says whether create or update pipeline would take it'],
      ['validate-pipeline --offline model.yaml', 'as far as that can be told from the file alone'],
    ],
    run: validate,
  },
  {
    names: ['edit pipeline'],
    summary: 'Change the spec of a pipeline in your editor',
    details:
      'The editor is --editor, VISUAL, EDITOR or vi. What is wrong is shown above the text, which is opened again; what cannot be saved is kept in a file.',
    usage: '<pipeline>',
    completes: 'pipeline',
    arguments: [1, 1],
    options: {
      editor: { type: 'string', value: 'command', description: 'the editor, with its options' },
      reprocess: { type: 'boolean', description: 'process every datum again' },
    },
    examples: [
      ['edit pipeline model', 'opens its spec as it was written'],
      ['edit-pipeline model --editor "code --wait"', 'opens it in an editor of your choice'],
    ],
    run: edit,
  },
  {
    names: ['extract pipeline'],
    summary: 'Print specs ready for create pipeline: of some pipelines, or of all',
    details:
      'In full, so that they come out the same on another engine, whatever its defaults. Secrets are named, and never in it. See inspect pipeline --spec for a spec as it was written.',
    usage: '[<pipeline>…]',
    completes: 'pipeline',
    arguments: [0, 1000],
    options: { 'all-projects': allProjects },
    examples: [
      ['extract pipeline model > model.json', 'saves the spec of one'],
      ['extract-pipeline | PFS_ADDRESS=other:7777 pfs create pipeline -f -', 'copies all of them'],
    ],
    run: extract,
  },
];

async function validate(context: Context, args: ParsedArguments): Promise<void> {
  const { readSpec } = await import('../spec-source.ts');
  const { output } = context;
  const { text, name } = await readSpec(context, args.positionals[0] ?? args.string('file'));
  const asked = args.flag('offline') ? undefined : await validateOnline(context, { text, name });
  if (asked === undefined) {
    output.note('No engine was asked: repos, other pipelines and defaults were not looked at');
  }
  for (const spec of asked ?? (await validateOffline(context, { text, name }))) {
    for (const warning of output.raw ? [] : spec.warnings) {
      output.note(`Warning: pipeline "${spec.name}": ${warning}`);
    }
    await (output.raw ? output.json(spec) : output.line(verdict(spec)));
  }
}

function verdict(spec: Omit<SpecValidation, 'version'> & { readonly version?: number }): string {
  const { version } = spec;
  const fate =
    version === undefined
      ? ''
      : version === 1
        ? '; it would be made'
        : `; it would be changed, to version ${version}`;
  return `Pipeline "${showName(spec)}" is valid${fate}`;
}

/** Returns undefined where no engine runs. */
async function validateOnline(
  context: Context,
  { text: body, name: file }: { readonly text: string; readonly name: string },
): Promise<readonly SpecValidation[] | undefined> {
  const client = context.connect({ start: false });
  try {
    return await client.call('POST /validations', {
      query: { project: context.project, file },
      body,
    });
  } catch (error) {
    if (error instanceof CliError && error.code === 'unreachable') {
      return undefined;
    }
    throw error;
  } finally {
    client.close();
  }
}

async function validateOffline(
  context: Context,
  { text, name: fileName }: { readonly text: string; readonly name: string },
) {
  const { checkOffline } = await import('../../engine/jobs/offline-specs.ts');
  try {
    return checkOffline(text, { fileName, project: context.project });
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    throw code === 'invalid' ? new CliError(code, message, { cause: error }) : error;
  }
}

async function edit(context: Context, args: ParsedArguments): Promise<void> {
  const { editSpec } = await import('../spec-editing.ts');
  const { client, output } = context;
  const name = parsePipelineName(args.positionals[0] ?? '', context.project);
  const { userSpec: text, version } = await client.call('GET /pipelines/{project}/{pipeline}', {
    params: pipelineParams(name),
  });
  const query = { project: name.project, file: name.name };
  const isChanged = await editSpec(context, {
    name: name.name,
    text: text.endsWith('\n') ? text : `${text}\n`,
    editor: args.string('editor'),
    check: async (body) => {
      const specs = await client.call('POST /validations', {
        query,
        body,
      });
      const [only] = specs;
      if (specs.length !== 1 || only?.project !== name.project || only.name !== name.name) {
        const named = specs.map(showName).join(', ');
        throw new CliError(
          'invalid',
          `Cannot use the spec: it is of ${named} and not of ${showName(name)} alone; keep the name, and make another pipeline with pfs create pipeline`,
        );
      }
    },
    save: async (body) => {
      const changes = await context.change('POST /pipelines', {
        query: {
          ...query,
          update: true,
          reprocess: args.flag('reprocess'),
          'if-version': version,
        },
        body,
      });
      for (const warning of changes.flatMap(({ warnings }) => warnings)) {
        output.note(`Warning: pipeline "${name.name}": ${warning}`);
      }
      for (const { pipeline } of output.raw ? changes : []) {
        await output.json(pipeline);
      }
    },
  });
  if (!isChanged) {
    output.note('Nothing was changed');
  }
}

async function extract(context: Context, args: ParsedArguments): Promise<void> {
  const { client, output } = context;
  const print = async ({ spec }: Pipeline) =>
    output.raw ? output.json(spec) : output.line(JSON.stringify(spec, null, 2));
  if (args.positionals.length > 0) {
    for (const text of args.positionals) {
      const name = parsePipelineName(text, context.project);
      await print(
        await client.call('GET /pipelines/{project}/{pipeline}', { params: pipelineParams(name) }),
      );
    }
    return;
  }
  const { project } = projectScope(context, args);
  let count = 0;
  for await (const pipeline of client.items('GET /pipelines', { query: { project } })) {
    count += 1;
    await print(pipeline);
  }
  if (count === 0) {
    throw usageError('There is no pipeline to extract; see pfs list pipeline');
  }
}
