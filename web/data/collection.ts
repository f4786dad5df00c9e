// Lists of which all is shown: loaded once, and then only what changes in them.

import type { Pipeline, Repo } from '../../engine/server/wire.ts';
import { ApiError, get, getAll } from './api.ts';
import type { Change } from './live.ts';
import { type Loaded, type Since, useLive } from './use-live.ts';

/** Beyond so many changes, the list is as quick to load as what changed. */
const MOST_SINGLE = 20;

interface Named {
  readonly project: string;
  readonly name: string;
}

/** All pipelines of a project, or of all. */
export function usePipelines(project: string | undefined): Loaded<readonly Pipeline[]> {
  return useCollection<Pipeline>('pipelines', project);
}

/** All repos of a project, or of all, but for those that the engine keeps for itself. */
export function useRepos(project: string | undefined): Loaded<readonly Repo[]> {
  return useCollection<Repo>('repos', project);
}

function useCollection<T extends Named>(
  kind: 'pipelines' | 'repos',
  project: string | undefined,
): Loaded<readonly T[]> {
  const load = async (signal: AbortSignal, since: Since<readonly T[]> | undefined) => {
    const keys = new Set(since?.changes.flatMap((change) => wanted(change, { kind, project })));
    return since && keys.size <= MOST_SINGLE
      ? await withChanged(since.value, { kind, keys, signal })
      : await getAll<T>(`/${kind}`, { project }, { signal });
  };
  return useLive(
    `${kind} ${project}`,
    load,
    (change) => wanted(change, { kind, project }).length > 0,
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
    readonly kind: string;
    readonly keys: ReadonlySet<string>;
    readonly signal: AbortSignal;
  },
): Promise<readonly T[]> {
  const { kind, keys, signal } = options;
  const byKey = new Map(items.map((item) => [`${item.project}/${item.name}`, item]));
  await Promise.all(
    [...keys].map(async (key) => {
      const path = key.split('/').map(encodeURIComponent).join('/');
      try {
        byKey.set(key, await get<T>(`/${kind}/${path}`, {}, signal));
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
