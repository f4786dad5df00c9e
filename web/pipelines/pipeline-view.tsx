// One pipeline: how it is doing, its jobs, its spec, and how that came to be.

import type { JSX } from 'preact';
import type { Pipeline } from '../../engine/server/wire.ts';
import { go, pathOf } from '../app/router.ts';
import type { ViewProps } from '../app/view.ts';
import { engine } from '../data/api.ts';
import { useLive } from '../data/use-live.ts';
import { JobTable } from '../jobs/job-table.tsx';
import { Action } from '../parts/action.tsx';
import { Facts, Head } from '../parts/head.tsx';
import { Await, Note } from '../parts/notice.tsx';
import { pipelineLook, State } from '../parts/state.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Ago, exactTime } from '../parts/time.tsx';
import { SpecText } from './spec-text.tsx';
import { VersionsPane } from './versions-pane.tsx';

const RECENT_JOBS = 20;

/** A pipeline, or a part of it. */
export function PipelineView({ params }: ViewProps): JSX.Element {
  const { project = '', pipeline = '', tab = 'overview' } = params;
  const path = pathOf('pipelines', project, pipeline);
  const loaded = useLive(
    `pipeline ${project}/${pipeline}`,
    (signal) =>
      engine.call('GET /pipelines/{project}/{pipeline}', {
        params: { project, pipeline },
        signal,
      }),
    (change) => change.pipelines.includes(`${project}/${pipeline}`),
  );
  const { value } = loaded;
  const look = value && pipelineLook(value);
  return (
    <>
      <Head
        crumbs={[{ text: 'Pipelines', href: '/pipelines' }]}
        title={pipeline}
        beside={look && <State state={look.word} look={look} />}
      >
        {value && <PipelineActions pipeline={value} path={path} />}
      </Head>
      <Tabs
        label="Parts of the pipeline"
        now={tab}
        tabs={[
          { name: 'overview', title: 'Overview', href: path },
          { name: 'spec', title: 'Spec', href: `${path}/spec` },
          { name: 'versions', title: 'Versions', href: `${path}/versions`, count: value?.version },
        ]}
      />
      <Await of={loaded}>
        {(one) =>
          tab === 'spec' ? (
            <SpecText pipeline={one} />
          ) : tab === 'versions' ? (
            <VersionsPane pipeline={one} />
          ) : (
            <Overview pipeline={one} />
          )
        }
      </Await>
    </>
  );
}

function Overview({ pipeline }: { readonly pipeline: Pipeline }): JSX.Element {
  const { project, name, host } = pipeline;
  const { transform } = pipeline.spec as { readonly transform?: { readonly image?: string } };
  const jobs = useLive(
    `jobs ${project}/${name}`,
    (signal) =>
      engine.call('GET /jobs', {
        query: { project, pipeline: name, limit: RECENT_JOBS },
        signal,
      }),
    (change) => change.pipelines.includes(`${project}/${name}`),
  );
  const isBad = pipeline.state === 'crashing' || pipeline.state === 'failure';
  return (
    <>
      {pipeline.description !== '' && <p class="lead">{pipeline.description}</p>}
      {pipeline.reason !== '' && <Note tone={isBad ? 'bad' : 'warn'}>{pipeline.reason}</Note>}
      <Facts
        facts={[
          [
            'Input',
            <span key="" class="mono">
              {pipeline.input || 'none'}
            </span>,
          ],
          [
            'Output',
            <a key="" href={pathOf('repos', project, name)}>
              {`${name}@${pipeline.outputBranch}`}
            </a>,
          ],
          transform?.image !== undefined && [
            'Image',
            <span key="" class="mono">
              {transform.image}
            </span>,
          ],
          ['Version', pipeline.version],
          ['Updated', <Ago key="" at={pipeline.updated} />],
          host?.address && ['Served at', `${host.address.host}:${host.address.port}`],
          ...pipeline.crons.map(
            ({ input, schedule, next }) =>
              [
                `Schedule of ${input}`,
                `${schedule}${next ? `, next at ${exactTime(next)}` : ''}`,
              ] as const,
          ),
        ]}
      />
      <div class="section-head">
        <h2>Jobs</h2>
        <a
          href={`/jobs?project=${encodeURIComponent(project)}&pipeline=${encodeURIComponent(name)}`}
        >
          All jobs
        </a>
      </div>
      <Await of={jobs}>
        {({ items }) =>
          items.length === 0 ? (
            <p class="muted">None yet: a job runs when something is committed to an input.</p>
          ) : (
            <JobTable jobs={items} isOfOne />
          )
        }
      </Await>
    </>
  );
}

function PipelineActions({
  pipeline,
  path,
}: {
  readonly pipeline: Pipeline;
  readonly path: string;
}): JSX.Element {
  const { project, name, stopped } = pipeline;
  const params = { project, pipeline: name };
  const remove = async () => {
    await engine.call('DELETE /pipelines/{project}/{pipeline}', { params });
    go('/pipelines');
  };
  return (
    <>
      <a class="button primary" href={`${path}/edit`}>
        Edit
      </a>
      <Action
        work={() => engine.call('POST /pipelines/{project}/{pipeline}/rerun', { params })}
        ask={{
          title: `Rerun ${name}?`,
          text: 'A job runs on the inputs as they are now. Datums whose results are there already are skipped.',
          action: 'Rerun',
        }}
      >
        Rerun
      </Action>
      {stopped ? (
        <Action work={() => engine.call('POST /pipelines/{project}/{pipeline}/start', { params })}>
          Start
        </Action>
      ) : (
        <Action
          work={() => engine.call('POST /pipelines/{project}/{pipeline}/stop', { params })}
          ask={{
            title: `Stop ${name}?`,
            text: 'No job of it runs until it is started again; what is committed meanwhile is processed then.',
            action: 'Stop the pipeline',
          }}
        >
          Stop
        </Action>
      )}
      <Action
        work={remove}
        ask={{
          title: `Delete ${name}?`,
          text: 'The pipeline, its jobs, and the repo that it writes are deleted. Pipelines that read from it stand in the way.',
          action: 'Delete the pipeline',
        }}
      >
        Delete
      </Action>
    </>
  );
}
