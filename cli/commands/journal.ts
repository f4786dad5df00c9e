// The journal: what happened in the store, in order.

import type { JournalEntry } from '../../engine/server/wire.ts';
import type { Command } from '../command.ts';
import { formatTime } from '../format.ts';

export const commands: readonly Command[] = [
  {
    names: ['log'],
    summary: 'Print the journal: who changed what, and when',
    usage: '',
    arguments: [0, 0],
    options: {
      after: {
        type: 'number',
        value: 'sequence',
        description: 'only what came after this entry; 0, the default, for all',
      },
      number: {
        type: 'number',
        short: 'n',
        value: 'count',
        description: 'at most this many entries',
      },
    },
    examples: [
      ['log', 'prints all of it, oldest first'],
      ['log --after 1200 --raw', 'prints all after entry 1200, with every detail'],
    ],
    run: async (context, args) => {
      const { client, output } = context;
      const entries = client.items('GET /journal', {
        query: { after: args.number('after') },
        most: args.number('number'),
      });
      if (output.raw) {
        for await (const entry of entries) {
          await output.json(entry);
        }
        return;
      }
      await output.table(changes(entries), {
        heading: ['ENTRY', 'TIME', 'ACTOR', 'REQUEST', 'CHANGE'],
        row: ({ entry, actor, request, change }) => [
          String(entry.sequence),
          formatTime(entry.time, output.times),
          actor,
          request ?? '-',
          change,
        ],
      });
    },
  },
];

interface Change {
  readonly entry: JournalEntry;
  readonly actor: string;
  readonly request: string | null;
  readonly change: string;
}

/** One row per operation. */
async function* changes(entries: AsyncIterable<JournalEntry>): AsyncIterable<Change> {
  for await (const entry of entries) {
    for (const { actor, request, operations } of entry.transactions) {
      for (const operation of operations) {
        yield { entry, actor, request, change: describe(operation) };
      }
    }
  }
}

/** What names the thing an operation changed, in the order shown. */
const NAMING = [
  'key',
  'repo',
  'pipeline',
  'name',
  'branch',
  'id',
  'commit',
  'job',
  'state',
  'head',
];

/** The kind of an operation and what it is about; records inside it are looked into. */
function describe(operation: Readonly<Record<string, unknown>>): string {
  const words = new Set<string>();
  const collect = (record: Readonly<Record<string, unknown>>): void => {
    for (const field of NAMING) {
      const value = record[field];
      if (typeof value === 'string' && value !== '') {
        words.add(value);
      } else if (typeof value === 'object' && value !== null) {
        collect(value as Readonly<Record<string, unknown>>);
      }
    }
  };
  collect(operation);
  return [String(operation.kind ?? 'change'), ...words].join(' ');
}
