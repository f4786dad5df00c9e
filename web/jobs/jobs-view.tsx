// All jobs, the newest first.

import type { JSX } from 'preact';
import type { Job, JobState } from '../../engine/server/wire.ts';
import { place, projectOf, setQuery } from '../app/router.ts';
import { engine } from '../data/api.ts';
import { usePages } from '../data/pages.ts';
import { FirstSteps } from '../parts/first-steps.tsx';
import { Head } from '../parts/head.tsx';
import { Await } from '../parts/notice.tsx';
import { AT_WORK } from '../parts/state.tsx';
import { JobTable } from './job-table.tsx';

const KINDS: readonly (readonly [title: string, states: readonly JobState[]])[] = [
  ['All states', []],
  ['Under way', ['created', ...AT_WORK]],
  ['Succeeded', ['success']],
  ['Failed', ['failure']],
  ['Killed', ['killed']],
  ['Unrunnable', ['unrunnable']],
];

const JOBS_ON_A_PAGE = 200;

/** The list of jobs. */
export function JobsView(): JSX.Element {
  const project = projectOf();
  const { query } = place.value;
  const [pipeline, state] = [query.get('pipeline') ?? '', query.get('state') ?? ''];
  const jobs = usePages<Job>(
    `jobs ${project} ${pipeline} ${state}`,
    (after, signal) =>
      engine.call('GET /jobs', {
        query: {
          project,
          pipeline: pipeline || undefined,
          state: state || undefined,
          limit: JOBS_ON_A_PAGE,
          after,
        },
        signal,
      }),
    (change) => change.jobs.length > 0,
  );
  const isNarrowed = pipeline !== '' || state !== '';
  return (
    <>
      <Head title={pipeline === '' ? 'Jobs' : `Jobs of ${pipeline}`} />
      <Await of={{ ...jobs, value: jobs.items }}>
        {(items) =>
          items.length === 0 && !isNarrowed ? (
            <FirstSteps title="No jobs yet" />
          ) : (
            <>
              <search class="filters">
                <select
                  aria-label="State"
                  value={state}
                  onChange={(event) => setQuery({ state: event.currentTarget.value })}
                >
                  {KINDS.map(([title, states]) => (
                    <option key={title} value={states.join(',')}>
                      {title}
                    </option>
                  ))}
                </select>
                {pipeline !== '' && (
                  <button type="button" onClick={() => setQuery({ pipeline: undefined })}>
                    Jobs of all pipelines
                  </button>
                )}
              </search>
              {items.length === 0 ? (
                <p class="muted">No job fits.</p>
              ) : (
                <JobTable jobs={items} isOfOne={pipeline !== ''} onMore={jobs.more} />
              )}
            </>
          )
        }
      </Await>
    </>
  );
}
