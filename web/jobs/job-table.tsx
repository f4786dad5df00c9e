// Jobs in a table, the newest first.

import type { JSX } from 'preact';
import type { Job } from '../../engine/server/wire.ts';
import { pathOf } from '../app/router.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { shortId } from '../parts/numbers.ts';
import { State } from '../parts/state.tsx';
import { Ago, Span } from '../parts/time.tsx';
import { repoText } from '../repos/places.ts';
import { datumsText } from './progress.tsx';

const STATE: Column<Job> = {
  title: 'State',
  width: '134px',
  cell: ({ state }) => <State state={state} />,
};
const JOB: Column<Job> = {
  title: 'Job',
  width: '108px',
  cell: ({ project, pipeline, id }) => (
    <a class="mono" href={pathOf('jobs', project, pipeline, id)} title={id}>
      {shortId(id)}
    </a>
  ),
};
const PIPELINE: Column<Job> = {
  title: 'Pipeline',
  cell: ({ project, pipeline }) => (
    <a href={pathOf('pipelines', project, pipeline)}>{repoText({ project, name: pipeline })}</a>
  ),
};
const OTHERS: readonly Column<Job>[] = [
  { title: 'Datums', width: '200px', from: 'medium', cell: datumsText },
  { title: 'Reason', from: 'wide', cell: ({ reason }) => <span title={reason}>{reason}</span> },
  {
    title: 'Took',
    width: '110px',
    from: 'medium',
    isNumber: true,
    cell: ({ started, finished }) => <Span from={started} to={finished} />,
  },
  { title: 'Created', width: '115px', from: 'medium', cell: ({ created }) => <Ago at={created} /> },
];

/** Draws the table; of one pipeline, without saying its name in each row. */
export function JobTable({
  jobs,
  isOfOne = false,
  onMore,
}: {
  readonly jobs: readonly Job[];
  readonly isOfOne?: boolean;
  readonly onMore?: (() => void) | undefined;
}): JSX.Element {
  return (
    <DataTable
      label="Jobs"
      columns={isOfOne ? [STATE, JOB, ...OTHERS] : [STATE, JOB, PIPELINE, ...OTHERS]}
      items={jobs}
      keyOf={({ project, pipeline, id }) => `${project}/${pipeline}@${id}`}
      onMore={onMore}
    />
  );
}
