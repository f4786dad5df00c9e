// Commands on inputs that follow Git servers.

import type { GitInput } from '../../engine/server/wire-git-inputs.ts';
import { path } from '../client.ts';
import type { Command } from '../command.ts';
import { showGitInputs } from '../git-input-view.ts';
import { parsePipelineName } from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['run git'],
    summary: 'Look at the Git servers that a pipeline follows now, and take what is new',
    details:
      'They are also looked at every poll_interval of the input, and when their webhook is called: see pfs inspect pipeline.',
    usage: '<pipeline>',
    completes: 'pipeline',
    arguments: [1, 1],
    options: {},
    examples: [['run git site', 'starts a job for each commit that was pushed since']],
    run: async (context, args) => {
      const { project, name } = parsePipelineName(args.positionals[0] ?? '', context.project);
      const route = path`/pipelines/${project}/${name}/gits/look`;
      const inputs = await context.client.send<readonly GitInput[]>('POST', route);
      if (context.output.raw) {
        for (const input of inputs) {
          await context.output.json(input);
        }
      } else {
        await context.output.line(showGitInputs(inputs, { address: context.client.address }) ?? '');
      }
    },
  },
];
