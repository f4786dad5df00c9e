// Commands on transactions. Which one is active is known to this home alone.

import { CliError, usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { formatTime } from '../format.ts';
import { isCommitId, showName } from '../refs.ts';

const ID = '[<id>]';
const WHICH = 'Without an id it means the active one.';

export const commands: readonly Command[] = [
  {
    names: ['start transaction'],
    summary: 'Start a transaction: changes that will be made together, or not at all',
    details:
      'Prints its id and makes it the active one of this PFS_HOME. From then on changes of repos, branches, tags and pipelines, merges and reverts, commits that are started, finished, squashed or deleted, and jobs that are stopped are tried out and added to it, and done by pfs finish transaction. Files are not part of it: put them into commits that one transaction has started and another one will finish.',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [
      [
        'start transaction',
        'start commit images@master and start commit labels@master are then added to it, and pfs finish transaction starts both commits, in one commit set, or neither',
      ],
    ],
    run: async (context) => {
      const active = context.home.transaction();
      if (active !== undefined) {
        throw new CliError(
          'failed_precondition',
          `Cannot start a transaction: ${active} is active here; finish or delete it, or leave it with pfs stop transaction`,
        );
      }
      const transaction = await context.client.call('POST /transactions');
      context.home.setTransaction(transaction.id);
      context.output.note('Changes are now added to it; pfs finish transaction makes them');
      await (context.output.raw
        ? context.output.json(transaction)
        : context.output.line(transaction.id));
    },
  },
  {
    names: ['finish transaction'],
    summary: 'Make all changes of a transaction, or none',
    details: `${WHICH} When one of the changes does not fit any more nothing is changed, and the transaction stays.`,
    usage: ID,
    arguments: [0, 1],
    options: {},
    examples: [['finish transaction', 'makes the changes of the active one']],
    run: async (context, args) => {
      const id = idOf(context, args.positionals[0]);
      const outcome = await context.client.call('POST /transactions/{id}/finish', {
        params: { id },
      });
      leave(context, id);
      if (context.output.raw) {
        await context.output.json(outcome);
        return;
      }
      const count = outcome.requests.length;
      context.output.note(`Made ${count} ${count === 1 ? 'change' : 'changes'}`);
      for (const commit of outcome.commits) {
        await context.output.line(`${showName(commit.repo)}@${commit.branch}=${commit.id}`);
      }
    },
  },
  {
    names: ['inspect transaction'],
    summary: 'Show what a transaction holds',
    details: WHICH,
    usage: ID,
    arguments: [0, 1],
    options: {},
    examples: [['inspect transaction', 'shows the changes that were added to the active one']],
    run: async (context, args) => {
      const id = idOf(context, args.positionals[0]);
      const transaction = await context.client.call('GET /transactions/{id}', { params: { id } });
      await context.output.fields(transaction, () => [
        ['Transaction', id],
        ['Active here', id === context.home.transaction() ? 'yes' : 'no'],
        ['Started', formatTime(transaction.started, context.output.times)],
        ['Changes', transaction.requests.map(({ text }, i) => `${i + 1}. ${text}`).join('\n')],
      ]);
    },
  },
  {
    names: ['list transaction'],
    summary: 'List the open transactions',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [['list transaction', 'lists them; * marks the active one']],
    run: async (context) => {
      const active = context.home.transaction();
      await context.output.table(context.client.items('GET /transactions'), {
        heading: ['ACTIVE', 'ID', 'STARTED', 'CHANGES'],
        row: ({ id, started, requests }) => [
          id === active ? '*' : '',
          id,
          formatTime(started, context.output.times),
          String(requests.length),
        ],
      });
    },
  },
  {
    names: ['delete transaction'],
    summary: 'Discard a transaction; none of its changes is made',
    details: WHICH,
    usage: ID,
    arguments: [0, 1],
    options: {},
    examples: [['delete transaction', 'discards the active one']],
    run: async (context, args) => {
      const id = idOf(context, args.positionals[0]);
      await context.client.call('DELETE /transactions/{id}', { params: { id } });
      leave(context, id);
    },
  },
  {
    names: ['stop transaction'],
    summary: 'Leave the active transaction open, and make changes at once again',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [['stop transaction', 'go on with it by pfs resume transaction']],
    run: async (context) => {
      const id = idOf(context, undefined);
      leave(context, id);
      context.output.note(`Transaction ${id} is not active any more; it stays open`);
    },
  },
  {
    names: ['resume transaction'],
    summary: 'Make an open transaction the active one',
    usage: '<id>',
    arguments: [1, 1],
    options: {},
    examples: [['resume transaction 018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'adds to it again']],
    run: async (context, args) => {
      const id = idOf(context, args.positionals[0]);
      await context.client.call('GET /transactions/{id}', { params: { id } });
      context.home.setTransaction(id);
      context.output.note(`Changes are now added to transaction ${id}`);
    },
  },
];

function idOf(context: Context, word: string | undefined): string {
  const id = word ?? context.home.transaction();
  if (id === undefined) {
    throw usageError(
      'No transaction is active here; name one, or start one with pfs start transaction',
    );
  }
  if (!isCommitId(id)) {
    throw usageError(
      `"${id}" is no id of a transaction: those have 32 hex digits; see them with pfs list transaction`,
    );
  }
  return id;
}

function leave(context: Context, id: string): void {
  if (context.home.transaction() === id) {
    context.home.setTransaction(undefined);
  }
}
