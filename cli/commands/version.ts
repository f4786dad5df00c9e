// Which versions are in use.

import type { CliError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import { cliVersion } from '../version.ts';

export const commands: readonly Command[] = [
  {
    names: ['version'],
    summary: 'Print the versions of the command line and the engine',
    usage: '',
    arguments: [0, 0],
    options: { 'client-only': { type: 'boolean', description: 'do not ask the engine' } },
    examples: [
      ['version', 'prints both; it starts no engine'],
      ['version --client-only', 'prints the version of the command line'],
    ],
    run: async (context, args) => {
      const { output } = context;
      const cli = cliVersion();
      let engine: string | null = null;
      if (!args.flag('client-only')) {
        const client = context.connect({ start: false });
        try {
          ({ engine } = await client.call('GET /version'));
        } catch (error) {
          // A missing engine is an answer here.
          if ((error as CliError).code !== 'unreachable') {
            throw error;
          }
        } finally {
          client.close();
        }
      }
      if (output.raw) {
        await output.json({ cli, engine });
        return;
      }
      await output.table(
        [['pfs', cli], ...(args.flag('client-only') ? [] : [['engine', engine ?? 'not running']])],
        {
          heading: ['COMPONENT', 'VERSION'],
          row: (row) => row,
        },
      );
    },
  },
];
