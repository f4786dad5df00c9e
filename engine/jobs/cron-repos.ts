// What a pipeline keeps for its cron inputs: a repo for each, and from when on its schedule counts.

import { EngineError } from '../base/errors.ts';
import { parseSchedule } from '../base/schedule.ts';
import type { CronRecord, PipelineRecord } from '../journal/records.ts';
import type { Change } from '../pfs/change.ts';
import { cronInputs } from '../pipeline/input-tree.ts';
import type { CronInput, PipelineSpec } from '../pipeline/spec.ts';
import { makeOwnRepo } from './own-repos.ts';

const MAX_PAST_TICKS = 10_000;

/**
 * Makes the repos of cron inputs that are missing, and returns the inputs with their schedules. A schedule that was
 * there before goes on; a new one counts from its start, or from now.
 */
export function cronsOf(
  change: Change,
  spec: PipelineSpec,
  old: PipelineRecord | undefined,
): Pick<PipelineRecord, 'crons'> {
  const before = new Map(
    old
      ? cronInputs((old.spec as unknown as PipelineSpec).input).map((one) => [one.name, one])
      : [],
  );
  const crons = cronInputs(spec.input).map((input): CronRecord => {
    const repo = `${input.project}/${input.repo}`;
    makeOwnRepo(change, repo, `ticks of pipeline ${spec.pipeline.name}`);
    const was = before.get(input.name);
    const isSame = was?.spec === input.spec && was.start === input.start;
    const known = old?.crons?.find((cron) => cron.input === input.name);
    const start = input.start === undefined ? change.time : Date.parse(input.start);
    const ticked = isSame && known ? known.ticked : start;
    if (ticked !== known?.ticked) {
      checkPast(input, { from: ticked, now: change.time });
    }
    const { name, spec: schedule, overwrite } = input;
    return { input: name, repo, schedule, overwrite, ticked };
  });
  return crons.length === 0 ? {} : { crons };
}

/** Refuses a start so long ago that making up its ticks, each a commit and a job, can hardly be meant. */
function checkPast(input: CronInput, span: { readonly from: number; readonly now: number }): void {
  const schedule = parseSchedule(input.spec);
  let time = schedule.next(span.from);
  for (let count = 1; time !== undefined && time <= span.now; count++) {
    if (count > MAX_PAST_TICKS) {
      throw new EngineError(
        'invalid',
        `Cannot use the start "${input.start}" of input "${input.name}": its schedule has more than ${MAX_PAST_TICKS} times since then, and each would be made up; choose a later start`,
      );
    }
    time = schedule.next(time);
  }
}

/** Returns the cron inputs of a pipeline that is started again: what would have come while it was stopped never does. */
export function restartedCrons(
  pipeline: PipelineRecord,
  now: number,
): Pick<PipelineRecord, 'crons'> {
  const { crons } = pipeline;
  return crons
    ? { crons: crons.map((cron) => ({ ...cron, ticked: Math.max(cron.ticked, now) })) }
    : {};
}
