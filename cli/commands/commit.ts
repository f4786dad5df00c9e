// Commands on commits and commit sets.

import { repoParams } from '../../client/params.ts';
import type { StartCommit } from '../../engine/server/wire.ts';
import { usageError } from '../cli-error.ts';
import type { Command, Option } from '../command.ts';
import { commitParams, findCommit, removeSet, revertCommit, setOf } from '../commit-actions.ts';
import { commitColumns, commitFields, commitSetColumns } from '../commit-view.ts';
import type { Context } from '../context.ts';
import { isCommitId, parseCommitWords, parseRefWords } from '../refs.ts';

const message: Option = {
  type: 'string',
  short: 'm',
  aliases: ['description'],
  value: 'text',
  description: 'what the commit is about',
};
const recursive = {
  type: 'boolean',
  short: 'r',
  description:
    'first the same with the commit sets that were made from this one, the last ones first',
} as const;

const all: Option = {
  type: 'boolean',
  description: 'also the commits of spec and meta repos, and those that were made automatically',
};
const REF = '<repo@commit> | <repo> <commit>';
const SET = '<id> | <repo@commit> | <repo> <commit>';

export const commands: readonly Command[] = [
  {
    names: ['start commit'],
    summary: 'Start a commit, to put several things into it',
    details: 'Prints the id of the commit. It stays open until pfs finish commit.',
    usage: '<repo@branch> | <repo> <branch>',
    completes: 'repo',
    arguments: [1, 2],
    options: {
      message,
      parent: {
        type: 'string',
        short: 'p',
        value: 'commit',
        description: 'start from this commit or branch of the repo, not from the head',
      },
    },
    examples: [
      ['start commit training@master', 'starts a commit on the head of master'],
      ['start-commit training fix -p master^', 'starts one on a new branch, from an older commit'],
    ],
    run: async (context, args) => {
      const { repo, branch, ref } = parseCommitWords(args.positionals, {
        project: context.project,
      });
      if (branch !== ref) {
        throw usageError(
          `Cannot start a commit on "${ref}": name a branch, and the commit to start from with -p`,
        );
      }
      const parent = args.string('parent');
      const description = args.string('message');
      const body: StartCommit = {
        branch,
        ...(parent === undefined ? {} : { parent: parent.slice(parent.indexOf('@') + 1) }),
        ...(description === undefined ? {} : { description }),
      };
      const commit = await context.change('POST /repos/{project}/{repo}/commits', {
        params: repoParams(repo),
        body,
      });
      await (context.output.raw ? context.output.json(commit) : context.output.line(commit.id));
    },
  },
  {
    names: ['finish commit'],
    summary: 'Finish an open commit, so that pipelines see it',
    usage: REF,
    completes: 'repo',
    arguments: [1, 2],
    options: { message },
    examples: [['finish commit training@master', 'finishes the open commit of master']],
    run: async (context, args) => {
      const ref = parseCommitWords(args.positionals, { project: context.project });
      const description = args.string('message');
      const commit = await context.change('POST /repos/{project}/{repo}/commits/{ref}/finish', {
        params: commitParams(ref),
        body: description === undefined ? {} : { description },
      });
      if (context.output.raw) {
        await context.output.json(commit);
      }
    },
  },
  {
    names: ['inspect commit'],
    summary: 'Show one commit, and what it was made from',
    usage: REF,
    completes: 'repo',
    arguments: [1, 2],
    options: {},
    examples: [
      ['inspect commit model@master', 'shows the newest commit of master'],
      ['inspect commit model@master^2 --raw', 'prints the one two commits before as JSON'],
    ],
    run: async (context, args) => {
      const ref = parseCommitWords(args.positionals, { project: context.project });
      const commit = await context.client.call('GET /repos/{project}/{repo}/commits/{ref}', {
        params: commitParams(ref),
      });
      await context.output.fields(commit, () => commitFields(commit, context.output.times));
    },
  },
  {
    names: ['list commit'],
    summary: 'List commit sets, the commits of one, or those of a repo or branch',
    details:
      'Without an argument it lists commit sets, newest first; with the id of a set, its commits; with a repo or branch, the commits there.',
    usage: '[<id> | <repo[@branch]> | <repo> <branch>]',
    completes: 'repo',
    arguments: [0, 2],
    options: {
      all,
      from: {
        type: 'string',
        short: 'f',
        value: 'commit',
        description: 'only commits after this one',
      },
      number: { type: 'number', short: 'n', value: 'count', description: 'at most this many' },
    },
    examples: [
      ['list commit', 'lists the commit sets'],
      ['list commit training@master -n 5', 'lists the five newest commits of master'],
      ['list-commit 018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'lists the commits of one set'],
    ],
    run: listCommit,
  },
  {
    names: ['find commit'],
    summary: 'List the commits that changed a file or directory',
    details:
      'Newest first, along the line of the branch. CHANGE is + where it was added, - where it was removed, M where it was changed.',
    usage: '<repo@branch:/path> | <repo> <branch> <path>',
    completes: 'repo',
    arguments: [1, 3],
    options: {
      limit: { type: 'number', short: 'n', value: 'count', description: 'at most this many' },
      json: { type: 'boolean', description: 'the same as --raw' },
    },
    examples: [
      ['find commit training@master:/iris.csv', 'lists the commits that changed it'],
      [
        'find-commit training master /raw --limit 1',
        'shows the newest that changed anything there',
      ],
    ],
    run: findCommit,
  },
  {
    names: ['wait commit'],
    summary: 'Wait until a commit, or a whole commit set, is finished',
    details:
      'Shows the datums of its jobs on a terminal. Ends with code 6 when one of them failed.',
    usage: SET,
    completes: 'repo',
    arguments: [1, 2],
    options: { all },
    examples: [
      ['wait commit model@master', 'waits for the newest commit of model'],
      ['wait commit 018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'waits for every commit of the set'],
    ],
    run: async (context, args) => {
      const { waitCommit, waitCommitSet } = await import('../wait.ts');
      const [id = '', ...rest] = args.positionals;
      if (isCommitId(id) && rest.length === 0) {
        await waitCommitSet(context, id, { all: args.flag('all') });
        return;
      }
      const ref = parseCommitWords(args.positionals, { project: context.project });
      await waitCommit(context, ref);
    },
  },
  {
    names: ['flush commit'],
    summary: 'Wait for all that a commit causes, in every repo',
    usage: SET,
    completes: 'repo',
    arguments: [1, 2],
    options: { all },
    examples: [['flush commit training@master', 'waits until every pipeline has dealt with it']],
    run: async (context, args) => {
      const { waitCommitSet } = await import('../wait.ts');
      const id = await setOf(context, args.positionals);
      await waitCommitSet(context, id, { all: args.flag('all') });
    },
  },
  {
    names: ['revert commit'],
    summary: 'Make a commit that takes back what another one changed',
    details:
      'What came after it stays. Where later commits changed the same paths nothing is changed, the paths are listed, and the command ends with code 4.',
    usage: REF,
    completes: 'repo',
    arguments: [1, 2],
    options: {
      message,
      branch: {
        type: 'string',
        short: 'b',
        value: 'branch',
        description: 'where to take it back; by default the branch named, or on which it was made',
      },
    },
    examples: [
      ['revert commit training@master', 'takes back what the newest commit changed'],
      ['revert-commit training master^2', 'takes back what the one two before it changed'],
    ],
    run: revertCommit,
  },
  {
    names: ['squash commit'],
    summary: 'Remove a commit set and let its children keep what it changed',
    details:
      'Removes the commits of the set in every repo, with the jobs that made them. Files stay as they are in every other commit; a clone of an export sees a forced update. Each commit must have a finished child, be shown by no branch, named by no tag and read by no other set.',
    usage: SET,
    completes: 'repo',
    arguments: [1, 2],
    options: { recursive },
    examples: [
      ['squash commit training@master^', 'folds the commit before the newest into it'],
      ['squash-commit 018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'does so in every repo of the set'],
      ['squash commit training@master~3 --recursive', 'squashes what was made from it, first'],
    ],
    run: (context, args) => removeSet(context, args, 'squash'),
  },
  {
    names: ['delete commit', 'drop commit'],
    summary: 'Delete a commit set and all that it brought',
    details:
      'Deletes the commits of the set in every repo, open ones too, ends the jobs that make them, and moves branches back to the commits before. None may have children or be read by another set: delete those first.',
    usage: SET,
    completes: 'repo',
    arguments: [1, 2],
    options: { recursive },
    examples: [
      ['delete commit training@master', 'takes back the newest commit and what it caused'],
      ['delete-commit 018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'takes back the whole set'],
    ],
    run: (context, args) => removeSet(context, args, 'delete'),
  },
  {
    names: ['subscribe commit'],
    summary: 'Print the commits of a branch as they finish, until Ctrl-C',
    usage: '<repo@branch> | <repo> <branch>',
    completes: 'repo',
    arguments: [1, 2],
    options: {
      all,
      from: { type: 'string', value: 'commit', description: 'begin after this commit' },
      new: { type: 'boolean', description: 'only commits from now on' },
    },
    examples: [['subscribe commit model@master --new', 'prints each new model as it is made']],
    run: async (context, args) => {
      const { repo, ref } = parseCommitWords(args.positionals, { project: context.project });
      const params = { ...repoParams(repo), branch: ref };
      let from = args.string('from');
      if (args.flag('new')) {
        const { head } = await context.client.call(
          'GET /repos/{project}/{repo}/branches/{branch}',
          { params },
        );
        from = head ?? undefined;
      }
      const stream = context.client.lines(
        'GET /repos/{project}/{repo}/branches/{branch}/subscribe',
        {
          params,
          query: { from, all: args.flag('all') },
        },
      );
      const columns = commitColumns(context.output.times);
      await context.output.table(stream, { ...columns, live: true });
    },
  },
];

async function listCommit(context: Context, args: Parameters<Command['run']>[1]): Promise<void> {
  const { client, output } = context;
  const [first, ...rest] = args.positionals;
  const most = args.number('number');
  const columns = commitColumns(output.times);
  if (first === undefined) {
    await output.table(client.items('GET /commit-sets', { most }), commitSetColumns(output.times));
    return;
  }
  if (isCommitId(first) && rest.length === 0) {
    const asked = { params: { id: first }, query: { all: args.flag('all') }, most };
    await output.table(client.items('GET /commit-sets/{id}', asked), columns);
    return;
  }
  const { repo, ref } = parseRefWords(args.positionals, { project: context.project });
  const from = args.string('from');
  const query = {
    branch: ref,
    from: from?.slice(from.indexOf('@') + 1),
    all: args.flag('all'),
  };
  const commits = client.items('GET /repos/{project}/{repo}/commits', {
    params: repoParams(repo),
    query,
    most,
  });
  await output.table(commits, columns);
}
