// Commands on pipelines.

import { pipelineParams } from '../../client/params.ts';
import type { Pipeline, RepoName } from '../../engine/server/wire.ts';
import type { ParsedArguments } from '../arguments.ts';
import { usageError } from '../cli-error.ts';
import type { Command, Option } from '../command.ts';
import type { Context } from '../context.ts';
import { pipelineColumns, pipelineFields } from '../pipeline-view.ts';
import { allProjects, projectScope } from '../project-scope.ts';
import { parsePipelineName } from '../refs.ts';

const file: Option = {
  type: 'string',
  short: 'f',
  value: 'spec',
  completes: 'file',
  description: 'the spec: a JSON or YAML file, a URL, or - for standard input',
};

const dryRun: Option = {
  type: 'boolean',
  description: 'make nothing: show the spec in full, the datums, and which would be skipped',
};

export const commands: readonly Command[] = [
  {
    names: ['create pipeline'],
    summary: 'Make a pipeline from a spec, and run it on what is there',
    details: 'The spec is JSON, trailing commas allowed, or YAML; one file may hold several.',
    usage: '<spec> | -f <spec>',
    completes: 'file',
    arguments: [0, 1],
    options: { file, 'dry-run': dryRun },
    examples: [
      ['create-pipeline model.json', 'makes the pipeline that the file describes'],
      ['create pipeline -f https://example.com/model.yaml', 'fetches the spec first'],
      ['create pipeline -f - < model.json', 'reads it from standard input'],
      ['create pipeline model.json --dry-run', 'shows what it would do, and makes nothing'],
    ],
    run: (context, args) => putPipeline(context, args, {}),
  },
  {
    names: ['update pipeline'],
    summary: 'Change a pipeline to what a spec says, or make it',
    details: 'Results of earlier versions are kept and used again, unless --reprocess is given.',
    usage: '<spec> | -f <spec>',
    completes: 'file',
    arguments: [0, 1],
    options: {
      file,
      reprocess: { type: 'boolean', description: 'process every datum again' },
      'dry-run': dryRun,
    },
    examples: [
      ['update pipeline model.json', 'runs the new version on datums that are new'],
      ['update-pipeline -f model.json --reprocess', 'runs it on all of them'],
      ['update pipeline model.json --dry-run', 'shows which datums would run again'],
    ],
    run: (context, args) =>
      putPipeline(context, args, { update: true, reprocess: args.flag('reprocess') }),
  },
  {
    names: ['inspect pipeline'],
    summary: 'Show one pipeline',
    usage: '<pipeline> | <pipeline^N>',
    completes: 'pipeline',
    arguments: [1, 1],
    options: {
      version: { type: 'number', value: 'number', description: 'as it was at this version' },
      spec: { type: 'boolean', description: 'print the spec as it was written, and nothing else' },
    },
    examples: [
      ['inspect pipeline model', 'shows its state, version and spec'],
      ['inspect pipeline model^', 'shows the version before; model^2 the one before that'],
      ['inspect pipeline model --spec > model.json', 'saves its spec'],
    ],
    run: inspectPipeline,
  },
  {
    names: ['list pipeline'],
    summary: 'List the pipelines',
    usage: '',
    arguments: [0, 0],
    options: {
      'all-projects': allProjects,
      state: {
        type: 'strings',
        value: 'state',
        description: 'only those in this state: running, paused, crashing …; may be repeated',
      },
      history: {
        type: 'string',
        value: 'count',
        description: 'also so many earlier versions of each: a number, or all',
      },
      spec: {
        type: 'boolean',
        short: 's',
        description: 'print their specs, as extract pipeline does',
      },
    },
    examples: [
      ['list pipeline', 'lists the pipelines of all projects, or of the one that is set'],
      ['list pipeline --state crashing --state failure', 'lists those that need care'],
      ['list pipeline --history all', 'lists all their versions, the newest first'],
      ['list-pipeline -P team --raw', 'prints those of one project as JSON'],
    ],
    run: listPipelines,
  },
  {
    names: ['delete pipeline'],
    summary: 'Delete a pipeline, its jobs and its output repo',
    usage: '<pipeline>',
    completes: 'pipeline',
    arguments: [1, 1],
    options: {
      force: {
        type: 'boolean',
        short: 'f',
        description: 'even where other pipelines read its output',
      },
      'keep-repo': { type: 'boolean', description: 'keep its output as an ordinary repo' },
    },
    examples: [
      ['delete pipeline model', 'deletes it'],
      ['delete pipeline model --keep-repo', 'deletes it and keeps the models it made'],
    ],
    run: async (context, args) => {
      const name = parsePipelineName(args.positionals[0] ?? '', context.project);
      await context.change('DELETE /pipelines/{project}/{pipeline}', {
        params: pipelineParams(name),
        query: { force: args.flag('force'), 'keep-repo': args.flag('keep-repo') },
      });
    },
  },
  {
    names: ['start pipeline'],
    summary: 'Start a stopped pipeline on the current heads',
    usage: '<pipeline>',
    completes: 'pipeline',
    arguments: [1, 1],
    options: {},
    examples: [['start pipeline model', 'starts it']],
    run: (context, args) => turn(context, args, 'start'),
  },
  {
    names: ['rerun pipeline'],
    summary: 'Start another job on the current heads',
    details:
      'It runs the datums that have not succeeded; with --reprocess all of them. The version of the pipeline and its image stay as they are.',
    usage: '<pipeline>',
    completes: 'pipeline',
    arguments: [1, 1],
    options: { reprocess: { type: 'boolean', description: 'process every datum again' } },
    examples: [
      ['rerun pipeline model', 'tries again what has failed'],
      ['rerun-pipeline model --reprocess', 'makes all results anew'],
    ],
    run: (context, args) => turn(context, args, 'rerun'),
  },
  {
    names: ['run cron'],
    summary: 'Make a tick of the cron inputs of a pipeline now, beside those of their schedule',
    usage: '<pipeline>',
    completes: 'pipeline',
    arguments: [1, 1],
    options: {},
    examples: [['run cron report', 'starts a job of report as its schedule would']],
    run: (context, args) => turn(context, args, 'tick'),
  },
  {
    names: ['stop pipeline'],
    summary: 'Stop a pipeline: its jobs are killed, new commits wait',
    usage: '<pipeline>',
    completes: 'pipeline',
    arguments: [1, 1],
    options: {},
    examples: [['stop pipeline model', 'stops it until pfs start pipeline']],
    run: (context, args) => turn(context, args, 'stop'),
  },
];

async function listPipelines(context: Context, args: ParsedArguments): Promise<void> {
  const { client, output } = context;
  const scope = projectScope(context, args);
  const pipelines = client.items('GET /pipelines', {
    query: {
      project: scope.project,
      state: args.strings('state').join(',') || undefined,
      history: args.string('history'),
    },
  });
  if (args.flag('spec')) {
    for await (const { spec } of pipelines) {
      await (output.raw ? output.json(spec) : output.line(JSON.stringify(spec, null, 2)));
    }
    return;
  }
  await output.table(pipelines, pipelineColumns(scope, output.times));
}

async function putPipeline(
  context: Context,
  args: ParsedArguments,
  query: { readonly update?: boolean; readonly reprocess?: boolean },
): Promise<void> {
  const { readSpec } = await import('../spec-source.ts');
  const { text, name } = await readSpec(context, args.positionals[0] ?? args.string('file'));
  if (args.flag('dry-run')) {
    const { showPreviews } = await import('../preview-view.ts');
    await showPreviews(context, { text, query: { ...query, file: name } });
    return;
  }
  const changes = await context.change('POST /pipelines', {
    query: { ...query, project: context.project, file: name },
    body: text,
  });
  for (const { pipeline, warnings } of changes) {
    for (const warning of warnings) {
      context.output.note(`Warning: pipeline "${pipeline.name}": ${warning}`);
    }
    if (context.output.raw) {
      await context.output.json(pipeline);
    }
  }
}

async function turn(
  context: Context,
  args: ParsedArguments,
  action: 'start' | 'stop' | 'tick' | 'rerun',
): Promise<void> {
  const name = parsePipelineName(args.positionals[0] ?? '', context.project);
  const params = pipelineParams(name);
  const pipeline =
    action === 'rerun'
      ? await context.change('POST /pipelines/{project}/{pipeline}/rerun', {
          params,
          query: { reprocess: args.flag('reprocess') },
        })
      : await context.change(`POST /pipelines/{project}/{pipeline}/${action}`, { params });
  if (context.output.raw) {
    await context.output.json(pipeline);
  }
}

async function inspectPipeline(context: Context, args: ParsedArguments): Promise<void> {
  const { client, output } = context;
  const { name, back } = parseVersion(args.positionals[0] ?? '', context.project);
  const version = args.number('version');
  if (back > 0 && version !== undefined) {
    throw usageError(`Name the version by ^${back} or by --version, not by both`);
  }
  const pipeline = await client.call('GET /pipelines/{project}/{pipeline}', {
    params: pipelineParams(name),
    query: { version: back > 0 ? `^${back}` : version },
  });
  if (args.flag('spec')) {
    await output.write(
      pipeline.userSpec.endsWith('\n') ? pipeline.userSpec : `${pipeline.userSpec}\n`,
    );
    return;
  }
  const gits = await followed(context, pipeline);
  await output.fields(pipeline, () => [...pipelineFields(pipeline, output.times), ['Git', gits]]);
}

/** Shows how the Git servers are followed that a pipeline reads; undefined where it reads none. */
async function followed(context: Context, pipeline: Pipeline): Promise<string | undefined> {
  if (!JSON.stringify(pipeline.spec.input ?? {}).includes('"git":{')) {
    return undefined;
  }
  const { showGitInputs } = await import('../git-input-view.ts');
  const inputs = await context.client.call('GET /pipelines/{project}/{pipeline}/gits', {
    params: pipelineParams(pipeline),
  });
  return showGitInputs(inputs, { address: context.client.address });
}

/** Parses a pipeline's name with how many versions back: `model^2`. */
function parseVersion(
  text: string,
  project: string,
): { readonly name: RepoName; readonly back: number } {
  const steps = /[\^~](\d*)$/.exec(text);
  if (steps === null) {
    return { name: parsePipelineName(text, project), back: 0 };
  }
  const before = parseVersion(text.slice(0, steps.index), project);
  return { name: before.name, back: before.back + Number(steps[1] || 1) };
}
