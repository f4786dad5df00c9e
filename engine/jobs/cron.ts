// Inputs that come at set times: each tick is a commit with one file, named after its time, in a repo of its own. Which
// ticks there are is decided in the journal by their times, whoever wakes first: none is lost, and none is made twice.

import { EngineError } from '../base/errors.ts';
import { parseSchedule } from '../base/schedule.ts';
import type { CronRecord, PipelineKey, PipelineRecord } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { Change } from '../pfs/change.ts';
import { applyEdits } from '../pfs/edits.ts';
import { shortRepo } from '../pfs/names.ts';
import { cronTriggers, tickTrigger } from '../pfs/triggers.ts';
import { resolvePipeline } from './job-lookup.ts';
import { addMadeCommit } from './made-commit.ts';

/** A time at which something is to happen. */
export interface Due {
  /** In milliseconds since the Unix epoch. */
  readonly time: number;
  /** Does it within a change, unless that was done before. */
  take(change: Change): void;
}

/** Yields the next time of every schedule: of inputs of running pipelines, and of branches that follow others. */
export function* dueTimes(state: State): Generator<Due> {
  for (const branch of cronTriggers(state)) {
    yield {
      time: branch.time,
      take: (change) => {
        const arrival = tickTrigger(change.draft, { ...branch, now: change.time });
        if (arrival) {
          change.moved(arrival.ref);
        }
      },
    };
  }
  for (const key of state.pipelines.keysBy('cron', 'cron')) {
    const pipeline = state.pipelines.get(key);
    for (const cron of (pipeline?.stopped ? [] : pipeline?.crons) ?? []) {
      const time = nextTick(cron);
      if (pipeline && time !== undefined) {
        yield { time, take: (change) => tick(change, { pipeline, cron, time }) };
      }
    }
  }
}

/** Makes a tick of every such input of a pipeline now, beside those of their schedules. Decides within a change. */
export function runCronIn(change: Change, key: PipelineKey): PipelineRecord {
  const pipeline = resolvePipeline(change.context, key);
  const { crons = [] } = pipeline;
  if (crons.length === 0) {
    throw new EngineError(
      'failed_precondition',
      `Cannot run the schedule of pipeline "${shortRepo(key)}": it has no cron input`,
    );
  }
  if (pipeline.stopped) {
    throw new EngineError(
      'failed_precondition',
      `Cannot run the schedule of pipeline "${shortRepo(key)}": it is stopped; start it with pfs start pipeline ${shortRepo(key)}`,
    );
  }
  for (const cron of crons) {
    // To the millisecond, so that it is no tick of the schedule, which come on the second.
    addTick(change, cron, new Date(change.time).toISOString());
  }
  return pipeline;
}

function nextTick(cron: CronRecord): number | undefined {
  return parseSchedule(cron.schedule).next(cron.ticked);
}

function tick(
  change: Change,
  due: { readonly pipeline: PipelineRecord; readonly cron: CronRecord; readonly time: number },
): void {
  const now = change.state.pipelines.get(due.pipeline.key);
  const cron = now?.crons?.find(({ input }) => input === due.cron.input);
  const isOther = now?.id !== due.pipeline.id || now.stopped;
  if (!cron || isOther || nextTick(cron) !== due.time) {
    return;
  }
  const { time } = due;
  change.add({ kind: 'pipeline.ticked', pipeline: now.key, input: cron.input, time });
  addTick(change, cron, new Date(time).toISOString().replace('.000Z', 'Z'));
}

/** Adds a commit with a file of this name. */
function addTick(change: Change, cron: CronRecord, name: string): void {
  const { repo, overwrite } = cron;
  addMadeCommit(change, {
    repo,
    key: `tick ${name}`,
    write: async (session, before) => {
      const entry = { mode: '100644', id: await session.blob(Buffer.alloc(0)) };
      const kept = overwrite ? null : before;
      const tree = await applyEdits(session, kept, [{ kind: 'set', path: name, entry }]);
      return { tree, description: `tick of ${name}` };
    },
  });
}
