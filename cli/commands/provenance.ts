// Where data came from, and what came of it.

import type { Command } from '../command.ts';
import { parseCommitWords } from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['provenance', 'inspect provenance'],
    summary: 'Draw where a file or commit came from, or what was made from it',
    details:
      'Upwards it shows which datum of which job wrote a file, from which files of which commits, with which pipeline version and image, back to your own commits.',
    usage: '<repo@ref[:/path]> | <repo> <ref> [path]',
    completes: 'repo',
    arguments: [1, 3],
    options: {
      downstream: { type: 'boolean', short: 'd', description: 'what was made from it' },
    },
    examples: [
      ['provenance model@master:/model.pkl', 'shows how the file was made'],
      ['provenance --downstream training@master', 'shows what was made from a commit'],
    ],
    run: async (context, args) => {
      const ref = parseCommitWords(args.positionals, { project: context.project, path: true });
      const lineage = await context.client.call('GET /provenance', {
        query: {
          repo: `${ref.repo.project}/${ref.repo.name}`,
          ref: ref.ref,
          path: ref.path,
          direction: args.flag('downstream') ? 'down' : 'up',
        },
      });
      if (context.output.raw) {
        await context.output.json(lineage);
        return;
      }
      const { renderLineage } = await import('../lineage-view.ts');
      await context.output.line(renderLineage(lineage).join('\n'));
    },
  },
];
