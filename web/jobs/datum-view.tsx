// One datum of a job: what it read, how it went, why it ran, and what it printed.

import type { JSX } from 'preact';
import type { Datum } from '../../engine/server/wire.ts';
import { pathOf } from '../app/router.ts';
import type { ViewProps } from '../app/view.ts';
import { engine } from '../data/api.ts';
import { useLive } from '../data/use-live.ts';
import { Action } from '../parts/action.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Facts, Head } from '../parts/head.tsx';
import { Await, Note } from '../parts/notice.tsx';
import { shortId, sizeText } from '../parts/numbers.ts';
import { State } from '../parts/state.tsx';
import { exactTime } from '../parts/time.tsx';
import { shownPlace } from '../repos/places.ts';
import { Times } from './job-facts.tsx';
import { LogPane } from './log-pane.tsx';
import { DatumWhy } from './why-pane.tsx';

/** A datum. */
export function DatumView({ params }: ViewProps): JSX.Element {
  const { project = '', pipeline = '', id = '', datum: name = '' } = params;
  const datum = useLive(
    `datum ${project}/${pipeline}@${id} ${name}`,
    (signal) =>
      engine.call('GET /pipelines/{project}/{pipeline}/jobs/{id}/datums/{datum}', {
        params: { project, pipeline, id, datum: name },
        signal,
      }),
    (change) => change.jobs.includes(`${project}/${pipeline}@${id}`),
  );
  const here = pathOf('jobs', project, pipeline, id);
  return (
    <>
      <Head
        crumbs={[
          { text: pipeline, href: pathOf('pipelines', project, pipeline) },
          { text: `Job ${shortId(id)}`, href: here },
          { text: 'Datums', href: `${here}/datums` },
        ]}
        title={`Datum ${shortId(name)}`}
        beside={datum.value && <State state={datum.value.state} />}
      >
        {datum.value?.state === 'running' && (
          <Action
            work={() =>
              engine.call('POST /pipelines/{project}/{pipeline}/jobs/{id}/restart', {
                params: { project, pipeline, id },
                body: { datums: [name] },
              })
            }
          >
            Restart
          </Action>
        )}
      </Head>
      <Await of={datum}>
        {(value) => (
          <>
            {value.reason !== '' && <Note tone="bad">{value.reason}</Note>}
            <Facts
              facts={[
                value.started !== null && ['Started', exactTime(value.started)],
                value.tries > 0 && ['Tries', value.tries],
                value.exitCode !== null && ['Exit code', value.exitCode],
                value.version !== null && ['Pipeline version', value.version],
                value.image && [
                  'Image',
                  <span key="" class="mono">
                    {value.image.reference}
                  </span>,
                ],
                value.producedBy !== null &&
                  value.producedBy !== id && [
                    'Result of job',
                    <a
                      key=""
                      class="mono"
                      href={pathOf('jobs', project, pipeline, value.producedBy)}
                    >
                      {shortId(value.producedBy)}
                    </a>,
                  ],
                [
                  'Id',
                  <span key="" class="mono">
                    {value.id}
                  </span>,
                ],
              ]}
            />
            <h2>Inputs</h2>
            <DataTable
              label="Inputs"
              columns={INPUTS}
              items={value.inputs}
              keyOf={(input) => `${input.name} ${input.path}`}
            />
            {value.stats && (
              <>
                <h2>Time</h2>
                <Times stats={value.stats} />
              </>
            )}
            <DatumWhy job={{ project, pipeline, id }} datum={value.id} />
            <h2>Log</h2>
            <LogPane
              query={{ project, pipeline, job: value.producedBy ?? id, datum: value.id }}
              isLive={value.state === 'running' || value.state === 'waiting'}
            />
          </>
        )}
      </Await>
    </>
  );
}

const INPUTS: readonly Column<Datum['inputs'][number]>[] = [
  {
    title: 'Path',
    cell: ({ repo, commit, path }) => (
      <a class="mono" href={shownPlace(repo, commit, path)}>
        {path}
      </a>
    ),
  },
  { title: 'Input', width: '160px', cell: ({ name }) => name },
  {
    title: 'Repo',
    from: 'medium',
    width: '220px',
    cell: ({ repo, branch }) => `${repo.name}@${branch}`,
  },
  { title: 'Size', width: '90px', isNumber: true, cell: ({ size }) => sizeText(size) },
];
