// Commands on projects.

import type { CreateProject } from '../../engine/server/wire-versions.ts';
import { usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import { formatTime } from '../format.ts';

const description = {
  type: 'string',
  short: 'd',
  value: 'text',
  description: 'what the project is for',
} as const;

export const commands: readonly Command[] = [
  {
    names: ['create project'],
    summary: 'Make a project: a namespace of repos and pipelines',
    details:
      'A project need not be made before it is used: pfs create repo team/training makes "team" too. Names without a project are in "default", or where -P, PFS_PROJECT or pfs config set project says.',
    usage: '<project>',
    arguments: [1, 1],
    options: { description },
    examples: [['create project team -d "Iris measurements"', 'makes it, described and empty']],
    run: async (context, args) => {
      const text = args.string('description');
      const body: CreateProject = {
        name: args.positionals[0] ?? '',
        ...(text === undefined ? {} : { description: text }),
      };
      const project = await context.client.call('POST /projects', { body });
      if (context.output.raw) {
        await context.output.json(project);
      }
    },
  },
  {
    names: ['update project'],
    summary: 'Change the description of a project',
    usage: '<project>',
    completes: 'project',
    arguments: [1, 1],
    options: { description },
    examples: [['update project team -d "Iris, 2026"', 'changes its description']],
    run: async (context, args) => {
      const text = args.string('description');
      if (text === undefined) {
        throw usageError('Say what to change: -d <text>; -d "" takes the description away');
      }
      const project = await context.client.call('PATCH /projects/{project}', {
        params: { project: args.positionals[0] ?? '' },
        body: { description: text },
      });
      if (context.output.raw) {
        await context.output.json(project);
      }
    },
  },
  {
    names: ['inspect project'],
    summary: 'Show one project',
    usage: '<project>',
    completes: 'project',
    arguments: [1, 1],
    options: {},
    examples: [['inspect project team', 'shows its description and how much is in it']],
    run: async (context, args) => {
      const project = await context.client.call('GET /projects/{project}', {
        params: { project: args.positionals[0] ?? '' },
      });
      await context.output.fields(project, () => [
        ['Name', project.name],
        ['Description', project.description],
        ['Created', formatTime(project.created, context.output.times)],
        ['Repos', String(project.repos)],
        ['Pipelines', String(project.pipelines)],
      ]);
    },
  },
  {
    names: ['list project'],
    summary: 'List the projects',
    details: 'The one that names without a project are in now is marked with a star.',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [['list project', 'lists them, the default one too']],
    run: async (context) => {
      await context.output.table(context.client.items('GET /projects'), {
        heading: ['ACTIVE', 'PROJECT', 'CREATED', 'REPOS', 'PIPELINES', 'DESCRIPTION'],
        row: (project) => [
          project.name === context.project ? '*' : '',
          project.name,
          formatTime(project.created, context.output.times),
          String(project.repos),
          String(project.pipelines),
          project.description,
        ],
      });
    },
  },
  {
    names: ['delete project'],
    summary: 'Delete an empty project, or with --force all that is in it too',
    usage: '<project>',
    completes: 'project',
    arguments: [1, 1],
    options: {
      force: {
        type: 'boolean',
        short: 'f',
        description: 'with its pipelines and repos, even where others read them',
      },
    },
    examples: [
      ['delete project team', 'deletes it, unless something is in it'],
      ['delete-project team --force', 'deletes its pipelines and repos too'],
    ],
    run: async (context, args) => {
      await context.client.call('DELETE /projects/{project}', {
        params: { project: args.positionals[0] ?? '' },
        query: { force: args.flag('force') },
      });
    },
  },
];
