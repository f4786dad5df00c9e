// How pipelines look.

import type { Pipeline } from '../engine/server/wire.ts';
import type { Columns } from './commit-view.ts';
import { formatLocal, formatTime, type TimeStyle } from './format.ts';
import { hostFields, pipelineNote } from './host-view.ts';
import type { ProjectScope } from './project-scope.ts';
import { showName } from './refs.ts';

/** Returns the columns of a list of pipelines, and of earlier versions of them. */
export function pipelineColumns(scope: ProjectScope, times: TimeStyle): Columns<Pipeline> {
  return {
    heading: [...scope.heading, 'VERSION', 'INPUT', 'CREATED', 'STATE', 'LAST JOB', 'DESCRIPTION'],
    row: (pipeline) => {
      const { current = true } = pipeline;
      return [
        ...scope.row(pipeline),
        String(pipeline.version),
        pipeline.input,
        formatTime(current ? pipeline.created : pipeline.updated, times),
        current ? pipeline.state : 'replaced',
        pipeline.lastJob?.state ?? '-',
        current ? pipelineNote(pipeline) : pipeline.description,
      ];
    },
  };
}

/** Returns the fields of one pipeline, as it is or was at an earlier version. */
export function pipelineFields(
  pipeline: Pipeline,
  times: TimeStyle,
): readonly (readonly [string, string | undefined])[] {
  const { lastJob, current = true } = pipeline;
  return [
    ['Name', showName(pipeline)],
    ['Description', pipeline.description],
    ['Version', String(pipeline.version)],
    ['State', current ? pipeline.state : 'replaced by a later version'],
    ['Reason', current ? pipeline.reason : undefined],
    ['Stopped', current ? (pipeline.stopped ? 'yes' : 'no') : undefined],
    ['Created', formatTime(pipeline.created, times)],
    ['Updated', formatTime(pipeline.updated, times)],
    ...(current ? hostFields(pipeline, times) : []),
    ['Input', pipeline.input],
    ['Next tick', current ? nextTicks(pipeline) : undefined],
    ['Output branch', pipeline.outputBranch],
    ['Last job', lastJob ? `${lastJob.id}, ${lastJob.state}` : undefined],
    [
      'Jobs',
      Object.entries(pipeline.jobs)
        .filter(([, count]) => count > 0)
        .map(([state, count]) => `${count} ${state}`)
        .join(', '),
    ],
    ['Spec', JSON.stringify(pipeline.spec, null, 2)],
  ];
}

/** Returns when the cron inputs of a pipeline come next, one on a line; undefined where there are none. */
function nextTicks({ crons }: Pipeline): string | undefined {
  const lines = crons.map(({ input, schedule, next }) => {
    const time = next === null ? 'never' : formatLocal(Date.parse(next));
    return `${input}: ${time} (${schedule})`;
  });
  return lines.length === 0 ? undefined : lines.join('\n');
}
