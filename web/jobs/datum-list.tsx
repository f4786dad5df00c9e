// The datums of a job, narrowed to a state where one asks for it.

import type { JSX } from 'preact';
import { DATUM_STATES } from '../../engine/journal/states.ts';
import type { Datum, Job } from '../../engine/server/wire.ts';
import { pathOf, place, setQuery } from '../app/router.ts';
import { engine } from '../data/api.ts';
import { usePages } from '../data/pages.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Await } from '../parts/notice.tsx';
import { shortId } from '../parts/numbers.ts';
import { State } from '../parts/state.tsx';
import { spanText } from '../parts/time.tsx';

const DATUMS_ON_A_PAGE = 500;

/** Draws the list. */
export function DatumList({ job }: { readonly job: Job }): JSX.Element {
  const { project, pipeline, id } = job;
  const state = place.value.query.get('state') ?? '';
  const datums = usePages<Datum>(
    `datums ${project}/${pipeline}@${id} ${state}`,
    (after, signal) =>
      engine.call('GET /pipelines/{project}/{pipeline}/jobs/{id}/datums', {
        params: { project, pipeline, id },
        query: { state: state || undefined, limit: DATUMS_ON_A_PAGE, after },
        signal,
      }),
    (change) => change.jobs.includes(`${project}/${pipeline}@${id}`),
  );
  const here = pathOf('jobs', project, pipeline, id);
  return (
    <>
      <search class="filters">
        <select
          aria-label="State"
          value={state}
          onChange={(event) => setQuery({ state: event.currentTarget.value })}
        >
          <option value="">All states</option>
          {DATUM_STATES.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </search>
      <Await of={{ ...datums, value: datums.items }}>
        {(items) =>
          items.length === 0 ? (
            <p class="muted">{state === '' ? 'This job has no datums.' : 'No datum fits.'}</p>
          ) : (
            <DataTable
              label="Datums"
              columns={columns(here)}
              items={items}
              keyOf={(datum) => datum.id}
              onMore={datums.more}
            />
          )
        }
      </Await>
    </>
  );
}

function columns(here: string): readonly Column<Datum>[] {
  return [
    { title: 'State', width: '112px', cell: ({ state }) => <State state={state} /> },
    {
      title: 'Datum',
      width: '108px',
      cell: ({ id }) => (
        <a class="mono" href={`${here}/datums/${id}`} title={id}>
          {shortId(id)}
        </a>
      ),
    },
    { title: 'Inputs', cell: (datum) => <span class="mono">{inputsText(datum)}</span> },
    {
      title: 'Took',
      width: '100px',
      from: 'medium',
      isNumber: true,
      cell: ({ stats }) => stats && spanText(stats.downloadMs + stats.processMs + stats.uploadMs),
    },
    { title: 'Reason', from: 'wide', cell: ({ reason }) => <span title={reason}>{reason}</span> },
  ];
}

function inputsText({ inputs }: Datum): string {
  return inputs.map(({ name, path }) => `${name}:${path}`).join('  ');
}
