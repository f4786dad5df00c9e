// The jobs that are at work: loaded once, and then only those that a change names, however many there are.

import { useMemo, useRef } from 'preact/hooks';
import { ApiError } from '../../client/api-error.ts';
import type { Job, Pipeline } from '../../engine/server/wire.ts';
import { engine } from '../data/api.ts';
import { type Since, useLive } from '../data/use-live.ts';
import { AT_WORK, isAtWork } from '../parts/state.tsx';

const MOST_FOLLOWED_JOBS = 40;

/** Jobs at work, by their keys, `project/pipeline@id`. */
type Jobs = ReadonlyMap<string, Job>;

/** Returns the jobs that are at work, by pipeline. */
export function useRunningJobs(pipelines: readonly Pipeline[]): ReadonlyMap<string, Job> {
  const shown = useRef(pipelines);
  shown.current = pipelines;
  const isShown = (key: string) => {
    const [pipeline = ''] = key.split('@');
    return shown.current.some(({ project, name }) => `${project}/${name}` === pipeline);
  };
  const jobs = useLive(
    'jobs at work',
    (signal, since: Since<Jobs> | undefined) => {
      const keys = new Set(since?.changes.flatMap((change) => change.jobs.filter(isShown)));
      return since && keys.size <= MOST_FOLLOWED_JOBS
        ? withChanged(since.value, keys, signal)
        : loadAll(shown.current, signal);
    },
    (change) => change.jobs.some(isShown),
  );
  return useMemo(() => {
    // Of several jobs of a pipeline, the newest is shown.
    const sorted = [...(jobs.value ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(sorted.map(([, job]) => [`${job.project}/${job.pipeline}`, job]));
  }, [jobs.value]);
}

async function loadAll(pipelines: readonly Pipeline[], signal: AbortSignal): Promise<Jobs> {
  const busy = pipelines.filter(isAtWork).slice(0, MOST_FOLLOWED_JOBS);
  const found = await Promise.all(
    busy.map(async ({ project, name }) => {
      const query = { project, pipeline: name, state: AT_WORK.join(','), limit: 1 };
      return (await engine.call('GET /jobs', { query, signal })).items;
    }),
  );
  return new Map(found.flat().map((job) => [keyOf(job), job]));
}

async function withChanged(
  jobs: Jobs,
  keys: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Jobs> {
  const now = new Map(jobs);
  await Promise.all(
    [...keys].map(async (key) => {
      const job = await jobAt(key, signal);
      if (job && AT_WORK.includes(job.state)) {
        now.set(key, job);
      } else {
        now.delete(key);
      }
    }),
  );
  return now;
}

/** Returns a job; undefined where it is no more. */
async function jobAt(key: string, signal: AbortSignal): Promise<Job | undefined> {
  const [, project = '', pipeline = '', id = ''] = /^(.*?)\/(.*)@(.*)$/.exec(key) ?? [];
  try {
    return await engine.call('GET /pipelines/{project}/{pipeline}/jobs/{id}', {
      params: { project, pipeline, id },
      signal,
    });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      return undefined;
    }
    throw error;
  }
}

function keyOf({ project, pipeline, id }: Job): string {
  return `${project}/${pipeline}@${id}`;
}
