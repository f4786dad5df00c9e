// Commands on repos.

import { repoParams } from '../../client/params.ts';
import type { CreateRepo, Repo } from '../../engine/server/wire.ts';
import type { Retention } from '../../engine/server/wire-upkeep.ts';
import type { ParsedArguments } from '../arguments.ts';
import { usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { parseDuration } from '../duration.ts';
import { formatDuration, formatSize, formatTime } from '../format.ts';
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
      const repo = await context.change('POST /repos', { body });
      await printRaw(context, repo);
    },
  },
  {
    names: ['update repo'],
    summary: 'Change the description of a repo, or which of its commits stay',
    details:
      'A commit stays when either of --keep-last and --keep-for says so; naming one of them replaces both. Heads of branches, what tags name, open commits and what commits of other repos were made from stay in any case. The rest goes to the trash with the next collection; what stays begins its history there.',
    usage: '<repo>',
    completes: 'repo',
    arguments: [1, 1],
    options: {
      description,
      'keep-last': {
        type: 'number',
        value: 'count',
        description: 'keep the newest so many commits of each branch',
      },
      'keep-for': {
        type: 'string',
        value: 'time',
        description: 'keep commits that finished within this time, as 30d',
      },
      'keep-all': { type: 'boolean', description: 'keep all commits, which is the default' },
    },
    examples: [
      ['update repo training -d "Iris, 2026"', 'changes its description'],
      ['update-repo training --keep-last 10 --keep-for 30d', 'lets older commits go'],
      ['update repo training --keep-all', 'lets none go'],
    ],
    run: async (context, args) => {
      const name = parseRepoName(args.positionals[0] ?? '', context.project);
      const params = repoParams(name);
      const keep = retentionOf(args);
      const text = args.string('description');
      if (keep === undefined && text === undefined) {
        throw usageError('Say what to change: -d <text>; -d "" takes the description away');
      }
      let repo: Repo | undefined;
      if (keep !== undefined) {
        repo = await context.client.call('PUT /repos/{project}/{repo}/retention', {
          params,
          body: keep,
        });
      }
      if (text !== undefined) {
        repo = await context.change('PATCH /repos/{project}/{repo}', {
          params,
          body: { description: text },
        });
      }
      if (repo) {
        await printRaw(context, repo);
      }
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
      const repo = await context.client.call('GET /repos/{project}/{repo}', {
        params: repoParams(name),
      });
      await context.output.fields(repo, () => [
        ['Name', showName(repo)],
        ['Description', repo.description],
        ['Created', formatTime(repo.created, context.output.times)],
        ['Size of HEAD on master', formatSize(repo.size)],
        ['Branches', repo.branches.join(', ')],
        ['Written by', repo.output ? 'its pipeline' : undefined],
        ['Keeps', repo.keep ? showRetention(repo.keep) : undefined],
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
      const repos = context.client.items('GET /repos', {
        query: { project: scope.project, all: args.flag('all') },
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
      await context.change('DELETE /repos/{project}/{repo}', {
        params: repoParams(name),
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

/** Returns which commits are to stay, or undefined where nothing is said about it. */
function retentionOf(args: ParsedArguments): Retention | undefined {
  const last = args.number('keep-last') ?? null;
  const span = args.string('keep-for');
  const all = args.flag('keep-all');
  if (all && (last !== null || span !== undefined)) {
    throw usageError('Give --keep-all, or what to keep, not both');
  }
  if (last === 0) {
    throw usageError('Option --keep-last needs a number from 1: the head of a branch always stays');
  }
  if (!all && last === null && span === undefined) {
    return undefined;
  }
  return { last, forMs: span === undefined ? null : parseDuration(span, 'keep-for') };
}

function showRetention({ last, forMs }: Retention): string {
  const parts = [
    last === null
      ? undefined
      : `the last ${last} ${last === 1 ? 'commit' : 'commits'} of each branch`,
    forMs === null ? undefined : `commits of the last ${formatDuration(forMs)}`,
  ];
  return parts.filter((part) => part !== undefined).join(' and ');
}

async function printRaw(context: Context, repo: Repo): Promise<void> {
  if (context.output.raw) {
    await context.output.json(repo);
  }
}
