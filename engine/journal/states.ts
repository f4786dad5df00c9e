// The words for what things are in: states of pipelines, jobs and datums, and the roles of users. Those who speak over the API know them
// from here, too.

export const PIPELINE_STATES = [
  'starting',
  'running',
  'paused',
  'standby',
  'crashing',
  'failure',
] as const;

export type PipelineState = (typeof PIPELINE_STATES)[number];

/** The states of a job, in the order they are gone through; the last four are ends. */
export const JOB_STATES = [
  'created',
  'starting',
  'running',
  'egressing',
  'finishing',
  'success',
  'failure',
  'killed',
  'unrunnable',
] as const;

export type JobState = (typeof JOB_STATES)[number];

/** What has become of a datum. */
export const DATUM_STATES = [
  'waiting',
  'running',
  'success',
  'skipped',
  'failed',
  'recovered',
] as const;

export type DatumState = (typeof DATUM_STATES)[number];

/** What one may do, the least first: each role may all that those before it may. */
export const ROLES = ['reader', 'writer', 'owner'] as const;

export type Role = (typeof ROLES)[number];
