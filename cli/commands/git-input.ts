// Commands on inputs that follow Git servers.

import { pipelineParams } from '../../client/params.ts';
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
      const pipeline = parsePipelineName(args.positionals[0] ?? '', context.project);
      const inputs = await context.client.call('POST /pipelines/{project}/{pipeline}/gits/look', {
        params: pipelineParams(pipeline),
      });
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
