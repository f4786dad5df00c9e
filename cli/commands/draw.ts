// The graph of repos and pipelines, drawn on the terminal.

import type { Command } from '../command.ts';
import { allProjects, projectScope } from '../project-scope.ts';
import { isCommitId, parsePipelineName } from '../refs.ts';

export const commands: readonly Command[] = [
  {
    names: ['draw pipeline'],
    summary: 'Draw what reads what: all pipelines, those around one, or one commit set',
    details:
      'Each line is a repo (○) or a pipeline (●), below all that it reads. Of a commit set, it shows how far each job is.',
    usage: '[<pipeline> | <id>]',
    completes: 'pipeline',
    arguments: [0, 1],
    options: { 'all-projects': allProjects },
    examples: [
      ['draw pipeline', 'draws all pipelines, or those of the project that is set'],
      ['draw pipeline model', 'draws what model is made from, and what is made of it'],
      ['draw-pipeline 018f2f4c1e5b7a3d9c0e4b6a8d2f1c3e', 'draws the jobs of one commit set'],
    ],
    run: async (context, args) => {
      const { drawPipelines, drawSet } = await import('../dag-view.ts');
      const [first] = args.positionals;
      if (first !== undefined && isCommitId(first)) {
        await drawSet(context, first);
        return;
      }
      const around = first === undefined ? undefined : parsePipelineName(first, context.project);
      const { project } = around ? { project: undefined } : projectScope(context, args);
      await drawPipelines(context, { project, around });
    },
  },
];
