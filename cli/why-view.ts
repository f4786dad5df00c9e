// How it looks to a person why a job ran its datums.

import type { Image, Job } from '../engine/server/wire.ts';
import type { Cause, DatumWhy, Difference, Why } from '../engine/server/wire-why.ts';
import { formatImage } from './format.ts';
import { showName } from './refs.ts';

const COUNTED: Readonly<Record<Cause, string>> = {
  changed: 'ran because their files changed',
  new: 'ran because no earlier job had them',
  failed_before: 'ran because their earlier result is a failure',
  no_result: 'ran because no earlier job had processed them to the end',
  reprocess: 'ran because all were to be made anew (--reprocess)',
  every_job: 'ran because the spec says reprocess_spec: every_job',
  same: 'were skipped: they have a result for the same files',
};

/** Returns the lines that say why a job ran what it ran. */
export function renderWhy(why: Why): readonly string[] {
  const { job, against, counts } = why;
  const lines = [headline(job, against), ...jobNotes(job)];
  if (counts) {
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    lines.push(`${total} ${total === 1 ? 'datum' : 'datums'}`);
    for (const [cause, text] of Object.entries(COUNTED)) {
      const count = counts[cause as Cause] ?? 0;
      if (count > 0) {
        lines.push(
          `  ${count} ${isOver(job) ? text : text.replace(/^ran|^were/, (word) => (word === 'ran' ? 'run' : 'are'))}`,
        );
      }
    }
  }
  for (const datum of why.datums) {
    lines.push('', ...datumLines(datum, job));
  }
  const hidden = counts
    ? Object.values(counts).reduce((sum, count) => sum + count, 0) - why.datums.length
    : 0;
  return hidden > 0 ? [...lines, '', `and ${hidden} more; -n shows more of them`] : lines;
}

function headline(job: Job, against: Job | null): string {
  const name = `${showName({ project: job.project, name: job.pipeline })}@${job.id}`;
  const compared = against
    ? `compared with job ${against.id} before it (${against.state}${against.version === job.version ? '' : `, version ${against.version}`})`
    : 'the first of its branch';
  return `Job ${name}, version ${job.version}, ${job.state}: ${compared}`;
}

function jobNotes(job: Job): readonly string[] {
  return [
    ...(job.retries ? [`It retries job ${job.retries}`] : []),
    ...(job.reason && job.state !== 'success' ? [`Reason: ${job.reason}`] : []),
  ];
}

function isOver({ state }: Job): boolean {
  return ['success', 'failure', 'killed', 'unrunnable'].includes(state);
}

function datumLines(why: DatumWhy, job: Job): readonly string[] {
  const { datum, made } = why;
  const files = datum.inputs.map(({ repo, path }) => `${showName(repo)}:${path}`).join(' × ');
  const lines = [
    `Datum ${datum.id.slice(0, 12)} (${files}): ${fate(why, job)}`,
    ...why.differences.map((difference) => `  ${differenceText(difference)}`),
  ];
  if (made) {
    lines.push(`  Job ${made.datum.job} ran it: ${reasonText(made)}`);
    lines.push(...made.differences.map((difference) => `    ${differenceText(difference)}`));
  }
  return lines;
}

function fate(why: DatumWhy, job: Job): string {
  const { cause, datum, earlier } = why;
  if (cause === 'same') {
    const by = earlier ? `job ${earlier.job} processed it with the same files` : 'nothing changed';
    return `skipped, ${by}${otherMaker(why, job)}`;
  }
  const done = datum.state === 'waiting' || datum.state === 'running';
  const state = done ? (isOver(job) ? 'not processed' : datum.state) : ranText(datum.state);
  return `${state}, ${reasonText(why)}`;
}

function ranText(state: string): string {
  return state === 'success' ? 'ran' : `ran and ${state === 'failed' ? 'failed' : 'was recovered'}`;
}

function reasonText({ cause, earlier }: DatumWhy): string {
  switch (cause) {
    case 'same':
      return 'its result was there already';
    case 'new':
      return 'the job before had no such datum';
    case 'changed':
      return 'its files changed';
    case 'reprocess':
      return 'its files are the same, and all datums were to be made anew';
    case 'every_job':
      return 'the spec says reprocess_spec: every_job';
    case 'failed_before':
      return `its result of job ${earlier?.job ?? '-'} is a failure: ${earlier?.reason ?? ''}`;
    case 'no_result':
      return 'it is the same as before, and no job had processed it to its end';
  }
}

/** Code takes no part in what a datum is: a result may be of an earlier version, and its user should know. */
function otherMaker({ earlier }: DatumWhy, job: Job): string {
  if (!earlier || (earlier.version === job.version && sameImage(earlier.image, job.image))) {
    return '';
  }
  const image = earlier.image ? `, image ${formatImage(earlier.image)}` : '';
  return `, by version ${earlier.version}${image}; the code is no part of a datum: pfs update-pipeline --reprocess makes it anew`;
}

function sameImage(one: Image | null, other: Image | null): boolean {
  return one === null || other === null || one.digest === other.digest;
}

function differenceText({ part, input, was, is, files }: Difference): string {
  const place = input ? `${input.name} (${showName(input.repo)}:${input.path})` : '';
  switch (part) {
    case 'path':
      return `path of ${place}: was not there`;
    case 'content': {
      const which = files.length > 0 ? `: ${files.join(', ')}` : '';
      return `content of ${place}: ${short(was)} is now ${short(is)}${which}`;
    }
    case 'mode':
      return `mode of ${place}: ${was} is now ${is}`;
    case 'combination':
      return 'its files were all there, and no datum together: the input of the spec, or a key, is another';
    case 'salt':
      return `salt: ${short(was)} is now ${short(is)}, so that nothing earlier is used`;
  }
}

function short(id: string | null): string {
  return (id ?? '').slice(0, 12);
}
