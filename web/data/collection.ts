// Lists of which all is shown: loaded once, and then only what changes in them.

import { ApiError } from '../../client/api-error.ts';
import type { Pipeline, Repo } from '../../engine/server/wire.ts';
import { engine } from './api.ts';
import type { Change } from './live.ts';
import { type Loaded, type Since, useLive } from './use-live.ts';

/** Beyond so many changes, the list is as quick to load as what changed. */
const MOST_SINGLE = 20;

interface Named {
  readonly project: string;
  readonly name: string;
}

interface Kind<T extends Named> {
  /** As changes name it. */
  readonly name: 'pipelines' | 'repos';
  readonly all: (project: string | undefined, signal: AbortSignal) => Promise<readonly T[]>;
  readonly one: (named: Named, signal: AbortSignal) => Promise<T>;
}

const PIPELINES: Kind<Pipeline> = {
  name: 'pipelines',
  all: (project, signal) => engine.all('GET /pipelines', { query: { project }, signal }),
  one: ({ project, name: pipeline }, signal) =>
    engine.call('GET /pipelines/{project}/{pipeline}', { params: { project, pipeline }, signal }),
};

const REPOS: Kind<Repo> = {
  name: 'repos',
  all: (project, signal) => engine.all('GET /repos', { query: { project }, signal }),
  one: ({ project, name: repo }, signal) =>
    engine.call('GET /repos/{project}/{repo}', { params: { project, repo }, signal }),
};

/** All pipelines of a project, or of all. */
export function usePipelines(project: string | undefined): Loaded<readonly Pipeline[]> {
  return useCollection(PIPELINES, project);
}

/** All repos of a project, or of all, but for those that the engine keeps for itself. */
export function useRepos(project: string | undefined): Loaded<readonly Repo[]> {
  return useCollection(REPOS, project);
}

function useCollection<T extends Named>(
  kind: Kind<T>,
  project: string | undefined,
): Loaded<readonly T[]> {
  const load = async (signal: AbortSignal, since: Since<readonly T[]> | undefined) => {
    const keys = new Set(
      since?.changes.flatMap((change) => wanted(change, { kind: kind.name, project })),
    );
    return since && keys.size <= MOST_SINGLE
      ? await withChanged(since.value, { kind, keys, signal })
      : await kind.all(project, signal);
  };
  return useLive(
    `${kind.name} ${project}`,
    load,
    (change) => wanted(change, { kind: kind.name, project }).length > 0,
  );
}

function wanted(
  change: Change,
  { kind, project }: { readonly kind: 'pipelines' | 'repos'; readonly project: string | undefined },
): readonly string[] {
  return change[kind].filter(
    (key) => (!project || key.startsWith(`${project}/`)) && !/\.(?:spec|meta)$/.test(key),
  );
}

async function withChanged<T extends Named>(
  items: readonly T[],
  options: {
    readonly kind: Kind<T>;
    readonly keys: ReadonlySet<string>;
    readonly signal: AbortSignal;
  },
): Promise<readonly T[]> {
  const { kind, keys, signal } = options;
  const byKey = new Map(items.map((item) => [`${item.project}/${item.name}`, item]));
  await Promise.all(
    [...keys].map(async (key) => {
      const [project = '', name = ''] = key.split('/');
      try {
        byKey.set(key, await kind.one({ project, name }, signal));
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 404)) {
          throw error;
        }
        byKey.delete(key);
      }
    }),
  );
  // As the engine lists them.
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}
