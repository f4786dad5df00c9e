// Commands on the growth of the store: collection, the trash, usage.

import { repoParams } from '../../client/params.ts';
import type { Commit } from '../../engine/server/wire.ts';
import type { Amount, Collection, Usage } from '../../engine/server/wire-upkeep.ts';
import { usageError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { parseDuration } from '../duration.ts';
import { formatDuration, formatSize, formatTime } from '../format.ts';
import {
  isCommitId,
  parseBranchWords,
  parseCommitWords,
  parseRef,
  parseRepoName,
  type Ref,
  showName,
} from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['collect', 'garbage collect'],
    summary: 'Give back the space of what nothing reaches any more',
    details:
      'What was deleted stays in the trash for the grace period. After that what only it needed is taken out of use, and deleted from the store another grace period later. All of it happens by itself every few hours; nothing that a branch, a tag, a commit, a transaction or a job needs is ever touched.',
    usage: '',
    arguments: [0, 0],
    options: {
      'dry-run': {
        type: 'boolean',
        short: 'n',
        description: 'only say what would go, and why the rest stays',
      },
      grace: {
        type: 'string',
        value: 'time',
        description:
          "how long what is let go of stays, as 24h or 7d; the engine's setting, 24h, where not named",
      },
    },
    examples: [
      ['collect --dry-run', 'says what would go, and why the rest stays'],
      ['collect --grace 1h', 'collects what was let go of more than an hour ago'],
      ['garbage-collect', 'the same as collect'],
    ],
    run: async (context, args) => {
      const grace = args.string('grace');
      const report = await context.client.call('POST /collection', {
        query: {
          dryRun: args.flag('dry-run'),
          grace: grace === undefined ? undefined : parseDuration(grace, 'grace'),
        },
      });
      await context.output.fields(report, () => describe(report));
    },
  },
  {
    names: ['list trash'],
    summary: 'List what was deleted and can be had back',
    usage: '',
    arguments: [0, 0],
    options: {},
    examples: [['list trash', 'lists deleted repos, branches and commits']],
    run: async (context) => {
      const { output } = context;
      await output.table(context.client.items('GET /trash'), {
        heading: ['KIND', 'NAME', 'DELETED'],
        row: ({ kind, repo, name, deleted }) => [
          kind,
          name === null ? showName(repo) : `${showName(repo)}@${name}`,
          formatTime(deleted, output.times),
        ],
      });
    },
  },
  {
    names: ['undelete repo'],
    summary: 'Bring a deleted repo back, with its branches, tags and commits',
    usage: '<repo>',
    arguments: [1, 1],
    options: {},
    examples: [['undelete repo training', 'brings it back, within the grace period']],
    run: async (context, args) => {
      const params = repoParams(parseRepoName(args.positionals[0] ?? '', context.project));
      await printRaw(
        context,
        await context.client.call('POST /trash/repos/{project}/{repo}', { params }),
      );
    },
  },
  {
    names: ['undelete branch'],
    summary: 'Bring a deleted branch back, with the head it had',
    usage: '<repo@branch> | <repo> <branch>',
    completes: 'repo',
    arguments: [1, 2],
    options: {},
    examples: [['undelete branch training@work', 'brings it back, within the grace period']],
    run: async (context, args) => {
      const { repo, branch } = parseBranchWords(args.positionals, context.project);
      const found = await context.client.call(
        'POST /trash/repos/{project}/{repo}/branches/{branch}',
        {
          params: { ...repoParams(repo), branch },
        },
      );
      await printRaw(context, found);
    },
  },
  {
    names: ['undelete commit'],
    summary: 'Bring a removed commit back under its id',
    details:
      'Branches stay where they are: pfs create branch <repo>@<branch> --head <commit> leads to it again.',
    usage: '<commit> | <repo@commit> | <repo> <commit>',
    completes: 'repo',
    arguments: [1, 2],
    options: {},
    examples: [
      ['undelete commit 01985ad1b6c67d1fae4bd9b9a0d4b3f1', 'brings it back in all repos'],
      ['undelete commit training@01985ad1b6c67d1fae4bd9b9a0d4b3f1', 'brings it back in one'],
    ],
    run: async (context, args) => {
      const [first = ''] = args.positionals;
      if (args.positionals.length === 1 && isCommitId(first)) {
        await printCommits(
          context,
          await context.client.call('POST /trash/commit-sets/{id}', { params: { id: first } }),
        );
        return;
      }
      const { repo, ref } = parseCommitWords(args.positionals, {
        project: context.project,
      });
      if (!isCommitId(ref)) {
        throw usageError(`Name the commit by its id of 32 hex digits, not "${ref}"`);
      }
      await printCommits(
        context,
        await context.client.call('POST /trash/repos/{project}/{repo}/commits/{id}', {
          params: { ...repoParams(repo), id: ref },
        }),
      );
    },
  },
  {
    names: ['du', 'disk usage'],
    summary: 'Show how much of the store something takes',
    details:
      'UNIQUE is what goes when it goes, SHARED is what others need too; LOGICAL counts every commit as if it stood alone. RATIO is how many times smaller it is stored.',
    usage: '[<repo>[@<branch or commit>]]',
    completes: 'repo',
    arguments: [0, 1],
    options: {},
    examples: [
      ['du', 'shows all repos'],
      ['du training', 'shows one repo'],
      ['du training@master', 'shows what leads to the head of a branch'],
      ['du training@01985ad1b6c67d1fae4bd9b9a0d4b3f1', 'shows one commit'],
    ],
    run: async (context, args) => {
      const [target] = args.positionals;
      if (target === undefined) {
        await context.output.table(context.client.items('GET /usage'), {
          heading: ['REPO', 'COMMITS', 'LOGICAL', 'UNIQUE', 'SHARED', 'RATIO'],
          row: ({ repo, ...usage }) => [
            showName(repo),
            String(usage.commits),
            formatSize(usage.logical),
            formatSize(usage.unique),
            formatSize(usage.shared),
            ratio(usage),
          ],
        });
        return;
      }
      const { repo, ref } = parseTarget(target, context.project);
      const usage = await context.client.call('GET /repos/{project}/{repo}/usage', {
        params: repoParams(repo),
        query: { ref },
      });
      await context.output.fields(usage, () => [
        ['Commits', String(usage.commits)],
        ['Logical', formatSize(usage.logical)],
        ['Unique', formatSize(usage.unique)],
        ['Shared', formatSize(usage.shared)],
        ['Ratio', ratio(usage)],
      ]);
    },
  },
];

function parseTarget(text: string, inProject: string): Pick<Ref, 'repo' | 'ref'> {
  return text.includes('@')
    ? parseRef(text, inProject)
    : { repo: parseRepoName(text, inProject), ref: undefined };
}

function ratio({ logical, unique, shared }: Usage): string {
  return unique + shared === 0 ? '-' : `${(logical / (unique + shared)).toFixed(2)}×`;
}

function describe(report: Collection): [string, string | undefined][] {
  const packs = ({ count, bytes }: Amount) =>
    count === 0 ? undefined : `${count} ${count === 1 ? 'pack' : 'packs'}, ${formatSize(bytes)}`;
  const some = (count: number) => (count === 0 ? undefined : String(count));
  const grace = formatDuration(report.graceMs);
  const { dryRun, full, young } = report;
  return [
    ['Reached', `${report.live.count} objects, ${formatSize(report.live.bytes)}`],
    [dryRun ? 'Would expire by retention' : 'Expired by retention', some(report.expired)],
    [dryRun ? 'Results of datums that would go' : 'Results of datums gone', some(report.results)],
    [dryRun ? 'Would leave the trash' : 'Left the trash', some(report.emptied)],
    ['In the trash', some(report.trash)],
    [dryRun ? 'Would go, unreached' : 'Out of use, unreached', packs(report.dead)],
    [dryRun ? 'Would go, mostly unreached' : 'Out of use, mostly unreached', packs(report.sparse)],
    ['  written anew of them', packs(report.rewritten)],
    [
      dryRun ? `Would be deleted, after ${grace}` : `Deleted, after ${grace}`,
      packs(report.deleted),
    ],
    ['Out of use, waiting for that', packs(report.waiting)],
    [dryRun ? 'Leftovers that would be deleted' : 'Leftovers deleted', packs(report.orphans)],
    [dryRun ? 'Logs that would be deleted' : 'Logs deleted', some(report.logs.count)],
    [
      dryRun ? 'Pages of history that would be deleted' : 'Pages of history deleted',
      some(report.pages.count),
    ],
    [
      'Stay, at least half reached',
      packs(full) && `${packs(full)}, of which ${formatSize(full.garbage)} unreached`,
    ],
    [
      `Stay, used within ${grace}`,
      packs(young) && `${packs(young)}, of which ${formatSize(young.garbage)} unreached`,
    ],
    ['Stay, used meanwhile', packs(report.busy)],
  ];
}

async function printCommits(context: Context, commits: readonly Commit[]): Promise<void> {
  if (context.output.raw) {
    for (const commit of commits) {
      await context.output.json(commit);
    }
  }
}

async function printRaw(context: Context, document: unknown): Promise<void> {
  if (context.output.raw) {
    await context.output.json(document);
  }
}
