// Commands on branches.

import type { Branch, PutBranch } from '../../engine/server/wire.ts';
import { path } from '../client.ts';
import type { Command } from '../command.ts';
import { formatTime } from '../format.ts';
import { parseBranchWords, parseRepoName, refWithin, showName } from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['create branch', 'set branch', 'update branch'],
    summary: 'Make a branch, or move its head',
    usage: '<repo@branch> | <repo> <branch>',
    completes: 'repo',
    arguments: [1, 2],
    options: {
      head: {
        type: 'string',
        value: 'commit or branch',
        description: 'the commit to point at, or a branch whose head it is; of the same repo',
      },
    },
    examples: [
      ['create branch training@staging', 'makes an empty branch'],
      ['create-branch training staging --head master^', 'makes it point one commit before master'],
    ],
    run: async (context, args) => {
      const { repo, branch } = parseBranchWords(args.positionals, context.project);
      const head = args.string('head');
      const body: PutBranch = head === undefined ? {} : { head: refWithin(head, repo) };
      const made = await context.change<Branch>(
        'PUT',
        path`/repos/${repo.project}/${repo.name}/branches/${branch}`,
        { body },
      );
      if (context.output.raw) {
        await context.output.json(made);
      }
    },
  },
  {
    names: ['inspect branch'],
    summary: 'Show one branch',
    usage: '<repo@branch> | <repo> <branch>',
    completes: 'repo',
    arguments: [1, 2],
    options: {},
    examples: [['inspect branch model@master', 'shows its head and the branches it is made from']],
    run: async (context, args) => {
      const { repo, branch } = parseBranchWords(args.positionals, context.project);
      const found = await context.client.get<Branch>(
        path`/repos/${repo.project}/${repo.name}/branches/${branch}`,
      );
      await context.output.fields(found, () => [
        ['Name', `${showName(found.repo)}@${found.name}`],
        ['Head', found.head ?? '-'],
        ['Provenance', provenance(found)],
        ['Created', formatTime(found.created, context.output.times)],
      ]);
    },
  },
  {
    names: ['list branch'],
    summary: 'List the branches of a repo',
    usage: '<repo>',
    completes: 'repo',
    arguments: [1, 1],
    options: {},
    examples: [['list branch training', 'lists its branches and their heads']],
    run: async (context, args) => {
      const repo = parseRepoName(args.positionals[0] ?? '', context.project);
      const branches = context.client.items<Branch>(
        path`/repos/${repo.project}/${repo.name}/branches`,
      );
      await context.output.table(branches, {
        heading: ['BRANCH', 'HEAD', 'CREATED', 'PROVENANCE'],
        row: (branch) => [
          branch.name,
          branch.head ?? '-',
          formatTime(branch.created, context.output.times),
          provenance(branch),
        ],
      });
    },
  },
  {
    names: ['delete branch'],
    summary: 'Delete a branch; its commits stay',
    usage: '<repo@branch> | <repo> <branch>',
    completes: 'repo',
    arguments: [1, 2],
    options: {
      force: {
        type: 'boolean',
        short: 'f',
        description: 'even where other branches are made from it',
      },
    },
    examples: [['delete branch training@staging', 'deletes it']],
    run: async (context, args) => {
      const { repo, branch } = parseBranchWords(args.positionals, context.project);
      await context.change('DELETE', path`/repos/${repo.project}/${repo.name}/branches/${branch}`, {
        query: { force: args.flag('force') },
      });
    },
  },
];

function provenance(branch: Branch): string {
  return branch.provenance.map((from) => `${showName(from.repo)}@${from.name}`).join(', ');
}
