// Why a job ran its datums, or skipped them.

import type { JSX } from 'preact';
import type { Cause, DatumWhy as DatumReason, Difference } from '../../engine/server/wire-why.ts';
import { pathOf } from '../app/router.ts';
import { engine } from '../data/api.ts';
import { useLive } from '../data/use-live.ts';
import { Await } from '../parts/notice.tsx';
import { countText, numberText, shortId } from '../parts/numbers.ts';
import { State } from '../parts/state.tsx';

interface JobName {
  readonly project: string;
  readonly pipeline: string;
  readonly id: string;
}

const CAUSES: Readonly<Record<Cause, string>> = {
  same: 'the same as before: the result is used again',
  new: 'new: there was no datum of these paths before',
  changed: 'changed: something it reads is another than before',
  reprocess: 'all results were to be made anew',
  every_job: 'its spec has it run in every job',
  failed_before: 'it failed before',
  no_result: 'it was there before, and was never processed to its end',
};

/** Explains a job. */
export function WhyPane({ job }: { readonly job: JobName }): JSX.Element {
  const why = useWhy(job, undefined);
  return (
    <Await of={why}>
      {({ against, counts, datums }) => (
        <>
          <p class="lead">
            {against ? (
              <>
                Compared with the job before,{' '}
                <a class="mono" href={pathOf('jobs', job.project, job.pipeline, against.id)}>
                  {shortId(against.id)}
                </a>
                :
              </>
            ) : (
              'There was no job before.'
            )}
          </p>
          {counts && (
            <ul class="plain">
              {Object.entries(counts).map(([cause, count]) => (
                <li key={cause}>
                  <strong>{countText(count, 'datum')}</strong> {CAUSES[cause as Cause]}
                </li>
              ))}
            </ul>
          )}
          {datums.map((one) => (
            <Reason key={one.datum.id} job={job} one={one} hasName />
          ))}
          {counts && sum(counts) > datums.length && datums.length > 0 && (
            <p class="muted">{`The first ${numberText(datums.length)} are shown, those that ran before those that did not.`}</p>
          )}
        </>
      )}
    </Await>
  );
}

/** Explains a datum. */
export function DatumWhy({
  job,
  datum,
}: {
  readonly job: JobName;
  readonly datum: string;
}): JSX.Element {
  const why = useWhy(job, datum);
  return (
    <>
      <h2>Why</h2>
      <Await of={why}>
        {({ datums }) => datums.map((one) => <Reason key={one.datum.id} job={job} one={one} />)}
      </Await>
    </>
  );
}

function useWhy({ project, pipeline, id }: JobName, datum: string | undefined) {
  return useLive(
    `why ${project}/${pipeline}@${id} ${datum}`,
    (signal) =>
      engine.call('GET /pipelines/{project}/{pipeline}/jobs/{id}/why', {
        params: { project, pipeline, id },
        query: { datum },
        signal,
      }),
    (change) => change.jobs.includes(`${project}/${pipeline}@${id}`),
  );
}

function Reason({
  job,
  one,
  hasName = false,
}: {
  readonly job: JobName;
  readonly one: DatumReason;
  readonly hasName?: boolean;
}): JSX.Element {
  const { datum, cause, differences, earlier } = one;
  return (
    <section class="reason">
      {hasName && (
        <h2>
          <a
            class="mono"
            href={pathOf('jobs', job.project, job.pipeline, job.id, 'datums', datum.id)}
          >
            {shortId(datum.id)}
          </a>{' '}
          <State state={datum.state} />{' '}
          <span class="mono">{datum.inputs.map(({ path }) => path).join(' ')}</span>
        </h2>
      )}
      <p>{sentence(CAUSES[cause])}</p>
      {differences.length > 0 && (
        <ul>
          {differences.map((difference) => (
            <li key={`${difference.part} ${difference.input?.name} ${difference.is}`}>
              {differenceText(difference)}
              {difference.files.length > 0 && (
                <span class="mono muted"> {difference.files.join('  ')}</span>
              )}
            </li>
          ))}
        </ul>
      )}
      {earlier && (
        <p class="muted">
          {`Its result before: ${earlier.state}, by version ${earlier.version} in job `}
          <a class="mono" href={pathOf('jobs', job.project, job.pipeline, earlier.job)}>
            {shortId(earlier.job)}
          </a>
          {earlier.reason === '' ? '' : `: ${earlier.reason}`}
        </p>
      )}
    </section>
  );
}

function differenceText({ part, input, was, is }: Difference): string {
  const what = input ? `${input.name}:${input.path}` : 'the whole datum';
  const ids =
    was !== null && is !== null ? ` (${was.slice(0, 8)} before, ${is.slice(0, 8)} now)` : '';
  return `${part} of ${what}${ids}`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

function sum(counts: Readonly<Partial<Record<Cause, number>>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}
