// All pipelines, with what each does now.

import type { JSX } from 'preact';
import type { Pipeline } from '../../engine/server/wire.ts';
import { pathOf, place, projectOf, setQuery } from '../app/router.ts';
import { usePipelines } from '../data/collection.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { FirstSteps } from '../parts/first-steps.tsx';
import { Head } from '../parts/head.tsx';
import { Await } from '../parts/notice.tsx';
import { pipelineLook, State } from '../parts/state.tsx';
import { Ago } from '../parts/time.tsx';
import { repoText } from '../repos/places.ts';

/** What the list can be narrowed to, by the tone of what a pipeline looks like. */
const KINDS = [
  ['', 'All states'],
  ['busy', 'Running'],
  ['bad', 'Failed or crashing'],
  ['warn', 'Killed or unrunnable'],
  ['good', 'Up to date'],
  ['quiet', 'Stopped or waiting'],
] as const;

/** The list of pipelines. */
export function PipelinesView(): JSX.Element {
  const pipelines = usePipelines(projectOf());
  const { query } = place.value;
  const [text, kind] = [query.get('q') ?? '', query.get('state') ?? ''];
  return (
    <>
      <Head title="Pipelines">
        <a class="button primary" href="/new-pipeline">
          New pipeline
        </a>
      </Head>
      <Await of={pipelines}>
        {(all) =>
          all.length === 0 ? (
            <FirstSteps title="No pipelines yet" />
          ) : (
            <>
              <search class="filters">
                <input
                  type="search"
                  aria-label="Search pipelines"
                  placeholder="Search by name, input or image"
                  value={text}
                  onInput={(event) => setQuery({ q: event.currentTarget.value })}
                />
                <select
                  aria-label="State"
                  value={kind}
                  onChange={(event) => setQuery({ state: event.currentTarget.value })}
                >
                  {KINDS.map(([value, title]) => (
                    <option key={value} value={value}>
                      {title}
                    </option>
                  ))}
                </select>
              </search>
              <PipelineTable pipelines={all.filter((one) => fits(one, { text, kind }))} />
            </>
          )
        }
      </Await>
    </>
  );
}

function PipelineTable({ pipelines }: { readonly pipelines: readonly Pipeline[] }): JSX.Element {
  if (pipelines.length === 0) {
    return <p class="muted">No pipeline fits.</p>;
  }
  return <DataTable label="Pipelines" columns={COLUMNS} items={pipelines} keyOf={keyOf} />;
}

const COLUMNS: readonly Column<Pipeline>[] = [
  {
    title: 'Name',
    cell: (one) => <a href={pathOf('pipelines', one.project, one.name)}>{repoText(one)}</a>,
  },
  { title: 'State', width: '170px', cell: (one) => <PipelineState pipeline={one} /> },
  { title: 'Input', from: 'medium', cell: ({ input }) => <span class="mono">{input}</span> },
  { title: 'Version', width: '80px', from: 'medium', isNumber: true, cell: (one) => one.version },
  { title: 'Updated', width: '120px', from: 'wide', cell: (one) => <Ago at={one.updated} /> },
];

/** What a pipeline does now. */
export function PipelineState({ pipeline }: { readonly pipeline: Pipeline }): JSX.Element {
  const { word, ...look } = pipelineLook(pipeline);
  return <State state={word} look={look} />;
}

function keyOf({ project, name }: Pipeline): string {
  return `${project}/${name}`;
}

function fits(
  pipeline: Pipeline,
  { text, kind }: { readonly text: string; readonly kind: string },
): boolean {
  const { transform } = pipeline.spec as { transform?: { image?: string } };
  const words = `${keyOf(pipeline)} ${pipeline.input} ${transform?.image ?? ''}`.toLowerCase();
  return (
    words.includes(text.trim().toLowerCase()) &&
    (kind === '' || pipelineLook(pipeline).tone === kind)
  );
}
