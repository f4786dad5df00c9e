// Repos and pipelines as a graph, live: what feeds what, and how each is doing.

import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Commit, Pipeline } from '../../engine/server/wire.ts';
import { pathOf, place, projectOf, setQuery } from '../app/router.ts';
import { engine } from '../data/api.ts';
import { usePipelines, useRepos } from '../data/collection.ts';
import { useLive } from '../data/use-live.ts';
import { FirstSteps } from '../parts/first-steps.tsx';
import { Head } from '../parts/head.tsx';
import { Failure, Loading } from '../parts/notice.tsx';
import { countText, shortId } from '../parts/numbers.ts';
import { lookOf } from '../parts/state.tsx';
import { exactTime } from '../parts/time.tsx';
import { GraphCanvas, type Marks } from './graph-canvas.tsx';
import type { InSet } from './graph-node.tsx';
import { type Layout, layOut } from './layout.ts';
import { type GraphModel, makeModel } from './model.ts';
import { useRunningJobs } from './running-jobs.ts';

const RECENT_SETS = 50;

/** The graph of a project, or of all. */
export function GraphView(): JSX.Element {
  const project = projectOf();
  const repos = useRepos(project);
  const pipelines = usePipelines(project);
  const error = repos.error ?? pipelines.error;
  const model = useMemo(
    () => (repos.value && pipelines.value ? makeModel(repos.value, pipelines.value) : undefined),
    [repos.value, pipelines.value],
  );
  const isEmpty = model !== undefined && model.nodes.size === 0;
  return (
    <div class={isEmpty ? undefined : 'graph-view'}>
      <Head title="Graph">{model && !isEmpty && <Tools model={model} />}</Head>
      {isEmpty ? (
        <FirstSteps title="Nothing here yet" />
      ) : model ? (
        <Drawn model={model} pipelines={pipelines.value ?? []} />
      ) : error ? (
        <Failure error={error} retry={repos.reload} />
      ) : (
        <Loading />
      )}
    </div>
  );
}

function Drawn({
  model,
  pipelines,
}: {
  readonly model: GraphModel;
  readonly pipelines: readonly Pipeline[];
}): JSX.Element {
  const [layout, failure] = useLayout(model);
  const jobs = useRunningJobs(pipelines);
  const inSet = useCommitSet(place.value.query.get('set') ?? undefined);
  const text = place.value.query.get('q') ?? '';
  const marks = useMemo((): Marks => {
    const found = text === '' ? undefined : matching(model, text);
    const lit = found ? new Set(found) : inSet ? new Set(inSet.keys()) : undefined;
    return { lit, found: found?.[0], inSet: inSet ?? new Map(), jobs };
  }, [model, text, inSet, jobs]);
  if (failure) {
    return <Failure error={{ status: -1, message: failure }} />;
  }
  return layout ? <GraphCanvas model={model} layout={layout} marks={marks} /> : <Loading />;
}

/** Searches, and highlights a commit set. */
function Tools({ model }: { readonly model: GraphModel }): JSX.Element {
  const { query } = place.value;
  const text = query.get('q') ?? '';
  const set = query.get('set') ?? '';
  const { value: sets = [] } = useLive(
    'commit sets',
    (signal) => engine.all('GET /commit-sets', { most: RECENT_SETS, signal }),
    (change) => change.commits.length > 0,
  );
  return (
    <>
      <input
        type="search"
        aria-label="Search the graph"
        placeholder="Search"
        value={text}
        onInput={(event) => setQuery({ q: event.currentTarget.value })}
      />
      {text !== '' && (
        <span class="hint graph-found" role="status">
          {countText(matching(model, text).length, 'match', 'matches')}
        </span>
      )}
      <select
        aria-label="Commit set to highlight"
        value={set}
        onChange={(event) => setQuery({ set: event.currentTarget.value })}
      >
        <option value="">All commits</option>
        {set !== '' && !sets.some(({ id }) => id === set) && (
          <option value={set}>{shortId(set)}</option>
        )}
        {sets
          .filter(({ commits }) => commits > 0)
          .map((one) => (
            <option key={one.id} value={one.id}>
              {`${exactTime(one.created)} · ${countText(one.commits, 'commit')}${one.failed > 0 ? ' · failed' : ''}`}
            </option>
          ))}
      </select>
    </>
  );
}

function useLayout(model: GraphModel): readonly [Layout | undefined, string | undefined] {
  const [layout, setLayout] = useState<Layout>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    const ended = new AbortController();
    layOut(model, ended.signal).then(setLayout, (error: unknown) => {
      if (!ended.signal.aborted) {
        setFailure(`Cannot lay out the graph: ${String(error)}`);
      }
    });
    return () => ended.abort();
  }, [model.shape]);
  return [layout, failure];
}

/** Returns what each node has to do with a commit set. */
function useCommitSet(id: string | undefined): ReadonlyMap<string, InSet> | undefined {
  const commits = useLive(
    `set ${id}`,
    async (signal) =>
      id === undefined ? [] : await engine.all('GET /commit-sets/{id}', { params: { id }, signal }),
    (change) => id !== undefined && change.commits.includes(id),
  );
  return useMemo(
    () =>
      id === undefined
        ? undefined
        : new Map((commits.value ?? []).map((commit) => [keyOf(commit), saysOf(commit)])),
    [id, commits.value],
  );
}

function keyOf({ repo }: Commit): string {
  return `${repo.project}/${repo.name}`;
}

function saysOf({ repo, id, state, job, pipeline }: Commit): InSet {
  const { project, name } = repo;
  const word = job ? `job ${job.state}` : `commit ${state}`;
  return {
    word,
    look: job ? lookOf(job.state) : lookOf(state),
    href: pipeline
      ? pathOf('jobs', project, name, id)
      : pathOf('repos', project, name, 'commits', id),
  };
}

function matching(model: GraphModel, text: string): readonly string[] {
  const wanted = text.trim().toLowerCase();
  const ids = [...model.nodes.keys()].filter((id) => id.toLowerCase().includes(wanted));
  const rank = (id: string) => (id.split('/')[1]?.toLowerCase().startsWith(wanted) ? 0 : 1);
  return ids.sort((a, b) => rank(a) - rank(b) || a.length - b.length);
}
