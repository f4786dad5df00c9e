// Commands on branches.

import { repoParams } from '../../client/params.ts';
import type { Branch, PutBranch } from '../../engine/server/wire.ts';
import type { MergeBranch } from '../../engine/server/wire-versions.ts';
import { usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { formatTime } from '../format.ts';
import { printMerge } from '../merge-result.ts';
import { parseBranchWords, parseCommitWords, parseRepoName, refWithin, showName } from '../refs.ts';
import { TRIGGER_OPTIONS, triggerOf, triggerText } from '../trigger-options.ts';

export const commands: readonly Command[] = [
  {
    names: ['create branch', 'set branch', 'update branch'],
    summary: 'Make a branch, move its head, or let it follow another branch',
    details:
      'With a trigger the branch moves by itself to what the followed branch has come to, once one of the conditions holds, or with --trigger-all all of them. A branch that is moved by hand keeps its trigger.',
    usage: '<repo@branch> | <repo> <branch>',
    completes: 'repo',
    arguments: [1, 2],
    options: {
      head: {
        type: 'string',
        value: 'commit or branch',
        description: 'the commit to point at, or a branch whose head it is; of the same repo',
      },
      ...TRIGGER_OPTIONS,
    },
    examples: [
      ['create branch training@staging', 'makes an empty branch'],
      ['create-branch training staging --head master^', 'makes it point one commit before master'],
      [
        'create branch training@weekly --trigger master --trigger-cron "0 4 * * 1"',
        'lets it follow master, on Mondays at four (UTC)',
      ],
      [
        'create branch training@batch --trigger master --trigger-commits 10',
        'lets it follow master, ten commits at a time',
      ],
    ],
    run: async (context, args) => {
      const { repo, branch } = parseBranchWords(args.positionals, context.project);
      const head = args.string('head');
      const trigger = triggerOf(args);
      const body: PutBranch = {
        ...(head === undefined ? {} : { head: refWithin(head, repo) }),
        ...(trigger === undefined ? {} : { trigger }),
      };
      const made = await context.change('PUT /repos/{project}/{repo}/branches/{branch}', {
        params: { ...repoParams(repo), branch },
        body,
      });
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
      const found = await context.client.call('GET /repos/{project}/{repo}/branches/{branch}', {
        params: { ...repoParams(repo), branch },
      });
      await context.output.fields(found, () => [
        ['Name', `${showName(found.repo)}@${found.name}`],
        ['Head', found.head ?? '-'],
        ['Provenance', provenance(found)],
        ['Trigger', found.trigger ? triggerText(found.trigger) : undefined],
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
      const branches = context.client.items('GET /repos/{project}/{repo}/branches', {
        params: repoParams(repo),
      });
      await context.output.table(branches, {
        heading: ['BRANCH', 'HEAD', 'CREATED', 'PROVENANCE', 'TRIGGER'],
        row: (branch) => [
          branch.name,
          branch.head ?? '-',
          formatTime(branch.created, context.output.times),
          provenance(branch),
          branch.trigger ? triggerText(branch.trigger) : '-',
        ],
      });
    },
  },
  {
    names: ['merge branch'],
    summary: 'Bring what one branch has into another',
    details:
      'Three-way, path by path, in one commit with both as parents; where one side has nothing of its own the branch is moved instead. Where both changed a path differently nothing is changed, the paths are listed, and the command ends with code 4.',
    usage: '<repo@from> --into <branch> | <repo> <from> <into>',
    completes: 'repo',
    arguments: [1, 3],
    options: {
      into: { type: 'string', value: 'branch', description: 'the branch that gets the changes' },
      ours: {
        type: 'boolean',
        description: 'where both changed a path, what stands in the branch stays',
      },
      theirs: {
        type: 'boolean',
        description: 'where both changed a path, what is brought in stands',
      },
      ff: {
        type: 'boolean',
        description: 'with --no-ff a commit is made also where moving the branch would do',
      },
      message: {
        type: 'string',
        short: 'm',
        aliases: ['description'],
        value: 'text',
        description: 'what the merge is about',
      },
    },
    examples: [
      ['merge branch training@staging --into master', 'brings staging into master'],
      ['merge-branch training staging master --theirs', 'and what staging says stands'],
    ],
    run: mergeBranch,
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
      await context.change('DELETE /repos/{project}/{repo}/branches/{branch}', {
        params: { ...repoParams(repo), branch },
        query: { force: args.flag('force') },
      });
    },
  },
];

async function mergeBranch(context: Context, args: Parameters<Command['run']>[1]): Promise<void> {
  const words = args.positionals.slice(0, args.positionals[0]?.includes('@') ? 1 : 2);
  const [last, ...more] = args.positionals.slice(words.length);
  const { repo, ref: from } = parseCommitWords(words, { project: context.project });
  const into = args.string('into') ?? last;
  if (into === undefined || more.length > 0 || (last !== undefined && last !== into)) {
    throw usageError(
      `Say which one branch gets the changes, as in pfs merge branch ${showName(repo)}@${from} --into master`,
    );
  }
  if (args.flag('ours') && args.flag('theirs')) {
    throw usageError('Cannot let both sides stand: use --ours or --theirs');
  }
  const branch = refWithin(into, repo);
  const favour = args.flag('ours') ? 'ours' : args.flag('theirs') ? 'theirs' : undefined;
  const description = args.string('message');
  const body: MergeBranch = {
    source: from,
    ...(favour === undefined ? {} : { favour }),
    ...(args.denied('ff') ? { fastForward: false } : {}),
    ...(description === undefined ? {} : { description }),
  };
  const result = await context.change('POST /repos/{project}/{repo}/branches/{branch}/merge', {
    params: { ...repoParams(repo), branch },
    body,
  });
  await printMerge(context, result, {
    ours: branch,
    theirs: from,
    hint: 'put the right files into one of them, or choose a side with --ours or --theirs',
  });
}

function provenance(branch: Branch): string {
  return branch.provenance.map((from) => `${showName(from.repo)}@${from.name}`).join(', ');
}
