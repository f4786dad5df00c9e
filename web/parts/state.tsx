// How states look: a word, a shape and a colour. The one table for jobs, pipelines, datums and commits.

import type { JSX } from 'preact';
import type { CommitState, DatumState, JobState, PipelineState } from '../../engine/server/wire.ts';
import { Icon, type IconName } from './icon.tsx';

export type AnyState = JobState | PipelineState | DatumState | CommitState;
export type Tone = 'good' | 'busy' | 'bad' | 'warn' | 'quiet';

export interface Look {
  readonly icon: IconName;
  readonly tone: Tone;
}

const GOOD: Look = { icon: 'success', tone: 'good' };
const BUSY: Look = { icon: 'running', tone: 'busy' };
const BAD: Look = { icon: 'failure', tone: 'bad' };

const LOOKS: Readonly<Record<Exclude<AnyState, 'running' | 'starting' | 'failure'>, Look>> = {
  created: { icon: 'waiting', tone: 'quiet' },
  egressing: BUSY,
  finishing: BUSY,
  success: GOOD,
  killed: { icon: 'killed', tone: 'warn' },
  unrunnable: { icon: 'unrunnable', tone: 'warn' },
  paused: { icon: 'paused', tone: 'quiet' },
  standby: { icon: 'standby', tone: 'quiet' },
  crashing: { icon: 'warning', tone: 'bad' },
  waiting: { icon: 'waiting', tone: 'quiet' },
  skipped: { icon: 'skipped', tone: 'quiet' },
  failed: BAD,
  recovered: { icon: 'warning', tone: 'warn' },
  open: { icon: 'open', tone: 'busy' },
  finished: GOOD,
  error: BAD,
};

/** Returns how a state looks. A pipeline that runs is at rest as long as no job of it does. */
export function lookOf(state: AnyState): Look {
  switch (state) {
    case 'running':
      return BUSY;
    case 'starting':
      return { icon: 'waiting', tone: 'busy' };
    case 'failure':
      return BAD;
    default:
      return LOOKS[state];
  }
}

/** Returns the state of a pipeline as a person sees it: what its newest job did, where the pipeline itself is well. */
export function pipelineLook(pipeline: {
  readonly state: PipelineState;
  readonly lastJob: { readonly state: JobState } | null;
  readonly jobs: Readonly<Partial<Record<JobState, number>>>;
}): Look & { readonly word: string } {
  const { state, lastJob } = pipeline;
  if (state === 'running' && isAtWork(pipeline)) {
    return { ...BUSY, word: 'job running' };
  }
  if (state !== 'running' || lastJob === null) {
    return state === 'running'
      ? { icon: 'success', tone: 'quiet', word: 'ready' }
      : { ...lookOf(state), word: state };
  }
  const word = lastJob.state === 'success' ? 'up to date' : `job ${WORDS[lastJob.state]}`;
  return { ...lookOf(lastJob.state), word };
}

const WORDS: Readonly<Record<JobState, string>> = {
  created: 'waiting',
  starting: 'starting',
  running: 'running',
  egressing: 'egressing',
  finishing: 'finishing',
  success: 'succeeded',
  failure: 'failed',
  killed: 'killed',
  unrunnable: 'unrunnable',
};

/** A state in words with its shape and colour. */
export function State({
  state,
  look = lookOf(state as AnyState),
}: {
  readonly state: AnyState | (string & {});
  readonly look?: Look;
}): JSX.Element {
  return (
    <span class={`state tone-${look.tone}`}>
      <Icon name={look.icon} />
      <span>{state}</span>
    </span>
  );
}

/** Whether a job of a pipeline is at work; its newest one may wait for that. */
export function isAtWork({
  jobs,
}: {
  readonly jobs: Readonly<Partial<Record<JobState, number>>>;
}): boolean {
  return AT_WORK.some((state) => (jobs[state] ?? 0) > 0);
}

/** The states of jobs that do something. */
export const AT_WORK: readonly JobState[] = ['starting', 'running', 'egressing', 'finishing'];

/** Whether a job in this state has not ended yet. */
export function isUnderWay(state: JobState): boolean {
  return state === 'created' || AT_WORK.includes(state);
}
