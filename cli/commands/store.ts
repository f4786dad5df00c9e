// Commands on the store: checking, repairing and mirroring it.

import type { CheckSummary, RepairReport, StoreProgress } from '../../engine/server/wire-store.ts';
import type { ParsedArguments } from '../arguments.ts';
import { CliError, usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { formatSize } from '../format.ts';
import { showStages } from '../stages.ts';
import { storeUrl } from '../store-url.ts';

export const commands: readonly Command[] = [
  {
    names: ['fsck'],
    summary: 'Check that everything in the store is there and right',
    details:
      'Without options it looks whether anything is missing, and reads all but the contents of files. It changes nothing and may run beside work. It ends with code 1 where the store is damaged, and says which files of which commits that concerns.',
    usage: '',
    arguments: [0, 0],
    options: {
      data: {
        type: 'boolean',
        description: 'read every byte and compare it with its hash',
      },
      fix: {
        type: 'boolean',
        description: 'make again what can be made from the rest: indexes, snapshots, history',
      },
      'repair-from': {
        type: 'string',
        value: 'url',
        description:
          'bring damaged and missing objects back from a mirror of this store; implies --fix and --data',
      },
      store: {
        type: 'string',
        value: 'url',
        description: 'check another store, as a mirror, instead of the one of the engine',
      },
    },
    examples: [
      ['fsck', 'checks that nothing is missing'],
      ['fsck --data', 'reads and compares everything'],
      ['fsck --fix', 'makes damaged indexes and snapshots again'],
      ['fsck --repair-from /mnt/backup/pfs', 'brings back what is damaged'],
      ['fsck --data --store /mnt/backup/pfs', 'checks a mirror'],
    ],
    run: check,
  },
  {
    names: ['mirror', 'mirror store'],
    summary: 'Copy the store to a second place, or bring that copy up to date',
    details:
      'The place is an empty or new folder or prefix, or a mirror made before. Only what is new is copied, and each object is compared with its hash before and read back after. The copy is a whole store at any moment: after losing this one, start an engine on it (pfs engine start --store <url>). The credentials of this store are used there too.',
    usage: '<url>',
    arguments: [1, 1],
    options: {},
    examples: [
      ['mirror /mnt/backup/pfs', 'copies the store to a folder'],
      [
        'mirror "s3://backup/pfs?endpoint=http://10.0.0.2:9000"',
        'copies it to a bucket; run it again, from cron say, to keep it fresh',
      ],
    ],
    run: mirror,
  },
];

async function check(context: Context, args: ParsedArguments): Promise<void> {
  const { client, output } = context;
  const from = args.string('repair-from');
  const other = args.string('store');
  const isRepair = args.flag('fix') || from !== undefined;
  if (isRepair && other !== undefined) {
    throw usageError(
      'Cannot repair another store: leave out --store, or start an engine on that one (pfs engine start --store <url>)',
    );
  }
  const data = args.flag('data') || from !== undefined;
  const reports: AsyncIterable<RepairReport> = isRepair
    ? client.lines('POST /store/repair', {
        query: { data, from: from && storeUrl(from) },
        body: '',
      })
    : client.lines('GET /store/check', { query: { data, store: other && storeUrl(other) } });
  let summary: CheckSummary | undefined;
  for await (const report of withoutProgress(context, reports)) {
    if (output.raw) {
      await output.json(report);
    } else if (report.kind === 'finding') {
      await output.line(`${report.level.padEnd(8)} ${report.message}`);
    } else if (report.kind === 'repaired') {
      await output.line(`repaired ${report.message}`);
    }
    summary = report.kind === 'summary' ? report : summary;
  }
  if (summary === undefined) {
    throw new CliError('unreachable', 'The check was broken off; see pfs engine logs');
  }
  await conclude(context, summary, { isRepair });
}

async function conclude(
  context: Context,
  summary: CheckSummary,
  options: { readonly isRepair: boolean },
): Promise<void> {
  const { output } = context;
  const { commits, packs, objects, bytes, damaged, affected, omitted } = summary;
  if (!output.raw) {
    if (affected.length > 0) {
      await output.table(affected, {
        heading: ['AFFECTED', 'COMMITS', 'NEWEST'],
        row: ({ repo, path, commits: count, newest }) => [
          `${repo.replace(/^default\//, '')}:${path}`,
          String(count),
          newest,
        ],
      });
      if (omitted > 0) {
        await output.line(`and ${omitted} more`);
      }
    }
    const read = summary.data ? `, ${formatSize(bytes)} read and compared` : '';
    await output.line(`Checked ${commits} commits, ${objects} objects in ${packs} packs${read}`);
  }
  if (damaged > 0) {
    const remedy = options.isRepair
      ? 'what is left can be brought back from a mirror alone: pfs fsck --repair-from <url>'
      : 'pfs fsck --fix makes again what it can, pfs fsck --repair-from <url> brings the rest back from a mirror';
    throw new CliError('corrupt', `The store is damaged in ${damaged} places; ${remedy}`);
  }
}

async function mirror(context: Context, args: ParsedArguments): Promise<void> {
  const { client, output } = context;
  const to = storeUrl(args.positionals[0] ?? '');
  const reports = client.lines('POST /store/mirror', { query: { to }, body: '' });
  for await (const report of withoutProgress(context, reports)) {
    const { sequence, copied, bytes, deleted } = report;
    await (output.raw
      ? output.json(report)
      : output.line(
          `The mirror is at journal entry ${sequence}: ${copied} objects copied (${formatSize(bytes)}), ${deleted} removed`,
        ));
  }
}

/** Passes on all but progress, which is shown on a terminal. */
function withoutProgress<T extends { readonly kind: string }>(
  context: Context,
  reports: AsyncIterable<T | StoreProgress>,
): AsyncIterable<Exclude<T, StoreProgress>> {
  return showStages(context.output, reports);
}
