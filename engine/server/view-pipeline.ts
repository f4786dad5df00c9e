// How a pipeline travels, with how its service or spout runs and when its schedules come next.

import { parseSchedule } from '../base/schedule.ts';
import { type CronRecord, isTerminal, type PipelineRecord } from '../journal/records.ts';
import { JOB_STATES } from '../journal/states.ts';
import { splitRepoKey } from '../pfs/names.ts';
import { inputText } from '../pipeline/input-text.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import { isoOrNull, isoTime } from './views.ts';
import type { Pipeline } from './wire.ts';
import type { HostView } from './wire-hosting.ts';
import type { CronTimes } from './wire-triggers.ts';

/** Returns a pipeline as it travels. `waitsFor` is what its workers wait for, where none of them is at work because of that. */
export function viewPipeline(
  pipeline: PipelineRecord,
  { userSpec = '', waitsFor = '' }: { userSpec?: string; waitsFor?: string } = {},
): Pipeline {
  const spec = pipeline.spec as unknown as PipelineSpec;
  const { project, name } = splitRepoKey(pipeline.key);
  return {
    project,
    name,
    version: pipeline.version,
    description: spec.description,
    state: isAsleep(pipeline, spec) ? 'standby' : pipeline.state,
    reason: pipeline.reason || waitsFor,
    stopped: pipeline.stopped,
    created: isoTime(pipeline.created),
    updated: isoTime(pipeline.updated),
    input: inputText(spec.input, { project }),
    outputBranch: spec.output_branch,
    lastJob: pipeline.lastJob,
    jobs: pipeline.jobs,
    host: viewHost(pipeline),
    crons: (pipeline.crons ?? []).map((cron) => viewCron(cron, pipeline.stopped)),
    spec: pipeline.spec,
    userSpec,
  };
}

/** With autoscaling, a pipeline that has nothing to do says that it has no workers. */
function isAsleep({ state, jobs }: PipelineRecord, { autoscaling }: PipelineSpec): boolean {
  const isAtWork = JOB_STATES.some((each) => !isTerminal(each) && (jobs[each] ?? 0) > 0);
  return autoscaling && state === 'running' && !isAtWork;
}

/** Returns how a service or spout runs; null for other pipelines, and before an engine hosted it. */
function viewHost({ spec, host }: PipelineRecord): HostView | null {
  if (!host || !(spec.service || spec.spout)) {
    return null;
  }
  const { owner, address, serving, version, since, restarts, lastRestart } = host;
  return {
    engine: owner,
    address: owner === null ? null : address,
    serving,
    version,
    readySince: isoOrNull(since),
    restarts,
    lastRestart: lastRestart && { ...lastRestart, time: isoTime(lastRestart.time) },
  };
}

function viewCron({ input, schedule, ticked }: CronRecord, isStopped: boolean): CronTimes {
  const next = isStopped ? undefined : parseSchedule(schedule).next(ticked);
  return { input, schedule, next: next === undefined ? null : isoTime(next) };
}
