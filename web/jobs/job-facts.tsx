// What there is to say of a job at a glance.

import type { JSX } from 'preact';
import type { Job } from '../../engine/server/wire.ts';
import { pathOf } from '../app/router.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Facts } from '../parts/head.tsx';
import { Note } from '../parts/notice.tsx';
import { countText, shortId, sizeText } from '../parts/numbers.ts';
import { Ago, exactTime, Span, spanText } from '../parts/time.tsx';
import { Progress } from './progress.tsx';

/** Draws it. */
export function JobFacts({ job }: { readonly job: Job }): JSX.Element {
  const { project, pipeline, id, image, stats, failed = [], workers = [] } = job;
  const here = pathOf('jobs', project, pipeline, id);
  const isBad = ['failure', 'killed', 'unrunnable'].includes(job.state);
  return (
    <>
      {job.reason !== '' && <Note tone={isBad ? 'bad' : 'warn'}>{job.reason}</Note>}
      <Progress job={job} />
      <Facts
        facts={[
          [
            'Created',
            <time key="" dateTime={job.created}>
              {exactTime(job.created)}
            </time>,
          ],
          job.started !== null && ['Waited', <Span key="" from={job.created} to={job.started} />],
          job.started !== null && ['Took', <Span key="" from={job.started} to={job.finished} />],
          ['Pipeline version', job.version],
          image && [
            'Image',
            <span key="" class="mono" title={image.digest}>
              {image.reference}
            </span>,
          ],
          job.restarts > 0 && ['Restarts', job.restarts],
          job.retries !== null && [
            'Retries',
            <a key="" class="mono" href={pathOf('jobs', project, pipeline, job.retries)}>
              {shortId(job.retries)}
            </a>,
          ],
          [
            'Output',
            <a key="" href={pathOf('repos', project, pipeline, 'commits', id)}>
              {`${pipeline}@${job.outputBranch || 'master'}`}
            </a>,
          ],
        ]}
      />
      <h2>Time of all datums together</h2>
      <Times stats={stats} />
      <h2>Inputs</h2>
      <ul class="plain">
        {job.provenance.map(({ repo, name, commit }) => (
          <li key={`${repo.project}/${repo.name}@${commit}`}>
            {repo.name === '' ? (
              'not readable'
            ) : (
              <a href={pathOf('repos', repo.project, repo.name, 'commits', commit)}>
                {`${repo.name}@${name}`}
              </a>
            )}{' '}
            <span class="mono muted">{shortId(commit)}</span>
          </li>
        ))}
      </ul>
      {workers.length > 0 && (
        <>
          <h2>{countText(workers.length, 'worker')}</h2>
          <DataTable
            label="Workers"
            items={workers}
            keyOf={({ id: worker }) => worker}
            columns={workerColumns(here)}
          />
        </>
      )}
      {failed.length > 0 && (
        <>
          <h2>Failed datums</h2>
          {failed.map((datum) => (
            <section class="failed" key={datum.id}>
              <p>
                <a class="mono" href={`${here}/datums/${datum.id}`}>
                  {shortId(datum.id)}
                </a>{' '}
                {datum.reason}
              </p>
              {datum.output.length > 0 && <pre>{datum.output.join('\n')}</pre>}
            </section>
          ))}
        </>
      )}
    </>
  );
}

type Worker = NonNullable<Job['workers']>[number];

function workerColumns(here: string): readonly Column<Worker>[] {
  return [
    { title: 'Worker', cell: ({ id }) => <span class="mono">{id}</span> },
    {
      title: 'Datum',
      cell: ({ datum, waitsFor }) =>
        datum ? (
          <a class="mono" href={`${here}/datums/${datum}`}>
            {shortId(datum)}
          </a>
        ) : (
          <span class="muted">{waitsFor || 'none now'}</span>
        ),
    },
    { title: 'Since', width: '130px', cell: ({ since }) => <Ago at={since} /> },
  ];
}

/** Where the time went, as a bar and in numbers. */
export function Times({ stats }: { readonly stats: Job['stats'] }): JSX.Element {
  const parts = [
    ['Fetching inputs', stats.downloadMs, sizeText(stats.downloadBytes)],
    ['User code', stats.processMs, ''],
    ['Storing outputs', stats.uploadMs, sizeText(stats.uploadBytes)],
  ] as const;
  const most = Math.max(1, ...parts.map(([, ms]) => ms));
  return (
    <table class="times">
      <tbody>
        {parts.map(([title, ms, size]) => (
          <tr key={title}>
            <th scope="row">{title}</th>
            <td class="number">{spanText(ms)}</td>
            <td class="times-bar">
              <span style={{ width: `${(100 * ms) / most}%` }} />
            </td>
            <td class="number muted">{size}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
