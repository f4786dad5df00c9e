// How far a job is.

import type { JSX } from 'preact';
import type { Job } from '../../engine/server/wire.ts';
import { countText, numberText } from '../parts/numbers.ts';

const PARTS = ['processed', 'skipped', 'recovered', 'failed'] as const;

/** Returns how many datums of a job need no more work. */
export function doneOf({ datums }: Pick<Job, 'datums'>): number {
  return PARTS.reduce((sum, part) => sum + datums[part], 0);
}

/** The datums of a job in a few words. */
export function datumsText(job: Pick<Job, 'datums'>): string {
  const { total, failed } = job.datums;
  const done = doneOf(job);
  const text =
    done === total ? countText(total, 'datum') : `${numberText(done)} of ${numberText(total)}`;
  return failed > 0 ? `${text}, ${numberText(failed)} failed` : text;
}

/** A bar with what became of the datums, and the same in words below it. */
export function Progress({ job }: { readonly job: Pick<Job, 'datums'> }): JSX.Element | null {
  const { datums } = job;
  if (datums.total === 0) {
    return null;
  }
  const left = datums.total - doneOf(job);
  const shown = [...PARTS.map((part) => [part, datums[part]] as const), ['left', left] as const];
  return (
    <div class="progress">
      <div
        class="meter"
        role="progressbar"
        aria-label="Datums done"
        aria-valuemin={0}
        aria-valuemax={datums.total}
        aria-valuenow={doneOf(job)}
      >
        {shown.map(
          ([part, count]) =>
            count > 0 && <span key={part} class={`meter-${part}`} style={{ flexGrow: count }} />,
        )}
      </div>
      <ul>
        {shown.map(
          ([part, count]) =>
            count > 0 && (
              <li key={part} class={`key-${part}`}>
                {`${numberText(count)} ${part === 'left' ? 'to do' : part}`}
              </li>
            ),
        )}
      </ul>
    </div>
  );
}
