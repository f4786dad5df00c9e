// One job: how far it is, what it read and made, its datums, its log, and why it ran what it ran.

import type { JSX } from 'preact';
import type { Job } from '../../engine/server/wire.ts';
import { go, pathOf } from '../app/router.ts';
import type { ViewProps } from '../app/view.ts';
import { engine } from '../data/api.ts';
import { useLive } from '../data/use-live.ts';
import { Action } from '../parts/action.tsx';
import { Head } from '../parts/head.tsx';
import { Await } from '../parts/notice.tsx';
import { shortId } from '../parts/numbers.ts';
import { isUnderWay, State } from '../parts/state.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { DatumList } from './datum-list.tsx';
import { JobFacts } from './job-facts.tsx';
import { LogPane } from './log-pane.tsx';
import { WhyPane } from './why-pane.tsx';

/** A job, or a part of it. */
export function JobView({ params }: ViewProps): JSX.Element {
  const { project = '', pipeline = '', id = '', tab = 'overview' } = params;
  const job = useLive(
    `job ${project}/${pipeline}@${id}`,
    (signal) =>
      engine.call('GET /pipelines/{project}/{pipeline}/jobs/{id}', {
        params: { project, pipeline, id },
        signal,
      }),
    (change) => change.jobs.includes(`${project}/${pipeline}@${id}`),
  );
  const here = pathOf('jobs', project, pipeline, id);
  const tabs = [
    { name: 'overview', title: 'Overview', href: here },
    { name: 'datums', title: 'Datums', href: `${here}/datums`, count: job.value?.datums.total },
    { name: 'log', title: 'Log', href: `${here}/log` },
    { name: 'why', title: 'Why', href: `${here}/why` },
  ];
  return (
    <>
      <Head
        crumbs={[
          { text: 'Pipelines', href: '/pipelines' },
          { text: pipeline, href: pathOf('pipelines', project, pipeline) },
        ]}
        title={`Job ${shortId(id)}`}
        beside={job.value && <State state={job.value.state} />}
      >
        {job.value && <JobActions job={job.value} />}
      </Head>
      <Tabs label="Parts of the job" tabs={tabs} now={tab} />
      <Await of={job}>
        {(value) =>
          tab === 'datums' ? (
            <DatumList job={value} />
          ) : tab === 'log' ? (
            <LogPane query={{ project, pipeline, job: id }} isLive={isUnderWay(value.state)} />
          ) : tab === 'why' ? (
            <WhyPane job={value} />
          ) : (
            <JobFacts job={value} />
          )
        }
      </Await>
    </>
  );
}

function JobActions({ job }: { readonly job: Job }): JSX.Element {
  const { project, pipeline, id } = job;
  const params = { project, pipeline, id };
  const retry = async () => {
    const next = await engine.call('POST /pipelines/{project}/{pipeline}/jobs/{id}/retry', {
      params,
    });
    go(pathOf('jobs', next.project, next.pipeline, next.id));
  };
  return (
    <>
      <a class="button" href={`/?set=${job.id}`}>
        Show in the graph
      </a>
      {job.state === 'failure' && (
        <Action work={retry} isPrimary>
          Retry
        </Action>
      )}
      {isUnderWay(job.state) && (
        <Action
          work={() =>
            engine.call('POST /pipelines/{project}/{pipeline}/jobs/{id}/stop', { params })
          }
          ask={{
            title: 'Stop this job?',
            text: 'Its datums end where they are, and its output is not committed. What has been processed is kept for later jobs.',
            action: 'Stop the job',
          }}
        >
          Stop
        </Action>
      )}
    </>
  );
}
