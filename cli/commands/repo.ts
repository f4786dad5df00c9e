// Commands on repos.

import type { CreateRepo, Repo } from '../../engine/server/wire.ts';
import { usageError } from '../cli-error.ts';
import { path } from '../client.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { formatSize, formatTime } from '../format.ts';
import { allProjects, projectScope } from '../project-scope.ts';
import { parseRepoName, showName } from '../refs.ts';

const description = {
  type: 'string',
  short: 'd',
  value: 'text',
  description: 'what the repo is for',
} as const;

export const commands: readonly Command[] = [
  {
    names: ['create repo'],
    summary: 'Make a repo',
    usage: '<repo>',
    arguments: [1, 1],
    options: { description },
    examples: [
      ['create repo training', 'makes the repo "training"'],
      [
        'create-repo team/training -d "Iris measurements"',
        'makes it in the project "team", described',
      ],
    ],
    run: async (context, args) => {
      const name = parseRepoName(args.positionals[0] ?? '', context.project);
      const text = args.string('description');
      const body: CreateRepo = { ...name, ...(text === undefined ? {} : { description: text }) };
      const repo = await context.change<Repo>('POST', '/repos', { body });
      await printRaw(context, repo);
    },
  },
  {
    names: ['update repo'],
    summary: 'Change the description of a repo',
    usage: '<repo>',
    completes: 'repo',
    arguments: [1, 1],
    options: { description },
    examples: [['update repo training -d "Iris, 2026"', 'changes its description']],
    run: async (context, args) => {
      const name = parseRepoName(args.positionals[0] ?? '', context.project);
      const text = args.string('description');
      if (text === undefined) {
        throw usageError('Say what to change: -d <text>; -d "" takes the description away');
      }
      const repo = await context.change<Repo>('PATCH', path`/repos/${name.project}/${name.name}`, {
        body: { description: text },
      });
      await printRaw(context, repo);
    },
  },
  {
    names: ['inspect repo'],
    summary: 'Show one repo',
    usage: '<repo>',
    completes: 'repo',
    arguments: [1, 1],
    options: {},
    examples: [['inspect repo training', 'shows its description, size and branches']],
    run: async (context, args) => {
      const name = parseRepoName(args.positionals[0] ?? '', context.project);
      const repo = await context.client.get<Repo>(path`/repos/${name.project}/${name.name}`);
      await context.output.fields(repo, () => [
        ['Name', showName(repo)],
        ['Description', repo.description],
        ['Created', formatTime(repo.created, context.output.times)],
        ['Size of HEAD on master', formatSize(repo.size)],
        ['Branches', repo.branches.join(', ')],
        ['Written by', repo.output ? 'its pipeline' : undefined],
      ]);
    },
  },
  {
    names: ['list repo'],
    summary: 'List the repos',
    usage: '',
    arguments: [0, 0],
    options: {
      all: {
        type: 'boolean',
        short: 'a',
        description: 'also the spec and meta repos of pipelines',
      },
      'all-projects': allProjects,
    },
    examples: [
      ['list repo', 'lists the repos of all projects, or of the one that is set'],
      ['list-repo --raw', 'prints them as JSON, one a line'],
      ['list repo -P team', 'lists those of the project "team"'],
    ],
    run: async (context, args) => {
      const scope = projectScope(context, args);
      const repos = context.client.items<Repo>('/repos', {
        project: scope.project,
        all: args.flag('all'),
      });
      await context.output.table(repos, {
        heading: [...scope.heading, 'CREATED', 'SIZE (MASTER)', 'DESCRIPTION'],
        row: (repo) => [
          ...scope.row(repo),
          formatTime(repo.created, context.output.times),
          formatSize(repo.size),
          repo.description,
        ],
      });
    },
  },
  {
    names: ['delete repo'],
    summary: 'Delete a repo with all its commits',
    usage: '<repo>',
    completes: 'repo',
    arguments: [1, 1],
    options: {
      force: { type: 'boolean', short: 'f', description: 'even where pipelines read it' },
    },
    examples: [['delete repo training', 'deletes it, unless a pipeline reads it']],
    run: async (context, args) => {
      const name = parseRepoName(args.positionals[0] ?? '', context.project);
      await context.change('DELETE', path`/repos/${name.project}/${name.name}`, {
        query: { force: args.flag('force') },
      });
    },
  },
  {
    names: ['export repo'],
    summary: 'Write a repo to a folder as a bare Git repository',
    details:
      'The folder must be new or empty. `git clone <folder>` with git-lfs then gives back every byte.',
    usage: '<repo> <folder>',
    completes: 'repo',
    arguments: [2, 2],
    options: {},
    examples: [['export repo training training.git', 'writes it; then: git clone training.git']],
    run: async (context, args) => {
      const { exportRepo } = await import('../export-repo.ts');
      const name = parseRepoName(args.positionals[0] ?? '', context.project);
      await exportRepo(context, name, args.positionals[1] ?? '');
    },
  },
];

async function printRaw(context: Context, repo: Repo): Promise<void> {
  if (context.output.raw) {
    await context.output.json(repo);
  }
}
