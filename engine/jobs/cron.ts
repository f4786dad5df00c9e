// Inputs that come at set times: each tick is a commit with one file, named after its time, in a repo of its own. Which
// ticks there are is decided in the journal by their times, whoever wakes first: none is lost, and none is made twice.

import { EngineError } from '../base/errors.ts';
import { parseSchedule } from '../base/schedule.ts';
import {
  branchKey,
  type CommitRecord,
  type CronRecord,
  type PipelineKey,
  type PipelineRecord,
  SYSTEM_BRANCH,
} from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import type { Change } from '../pfs/change.ts';
import { commitById, goodCommit } from '../pfs/commit-facts.ts';
import { applyEdits } from '../pfs/edits.ts';
import { type FinishedTree, writeGitCommit } from '../pfs/git-commit.ts';
import { shortRepo } from '../pfs/names.ts';
import { cronTriggers, tickTrigger } from '../pfs/triggers.ts';
import { resolvePipeline } from './job-lookup.ts';

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

const NOT_WRITTEN: FinishedTree = { tree: null, git: '', size: 0, files: 0 };

/** Adds a commit with a file of this name. */
function addTick(change: Change, cron: CronRecord, name: string): void {
  const { state, set: id, time } = change;
  const { repo, overwrite } = cron;
  if (change.hasCommitIn(repo)) {
    throw new EngineError(
      'failed_precondition',
      `Cannot make a commit in repo "${shortRepo(repo)}": the transaction has made one there already`,
    );
  }
  const branch = state.branches.get(branchKey(repo, SYSTEM_BRANCH));
  const head = branch?.head ? commitById(change, repo, branch.head) : undefined;
  const base = goodCommit(change, repo, head?.id ?? null);
  const description = `tick of ${name}`;
  const commit: CommitRecord = {
    repo,
    id,
    branch: SYSTEM_BRANCH,
    parent: head?.id ?? null,
    depth: (head?.depth ?? -1) + 1,
    origin: 'auto',
    description,
    started: time,
    finished: null,
    error: null,
    provenance: [],
    tree: base?.tree ?? null,
    git: null,
    size: 0,
    files: 0,
    edits: [],
    pipeline: null,
    image: null,
  };
  const parent = base?.git ?? null;
  const written = change.store(`tick ${repo} ${name} ${parent}`, {
    repos: [repo],
    standIn: NOT_WRITTEN,
    write: async (session) => {
      const entry = { mode: '100644', id: await session.blob(Buffer.alloc(0)) };
      const before = overwrite ? null : commit.tree;
      const tree = await applyEdits(session, before, [{ kind: 'set', path: name, entry }]);
      return await writeGitCommit(session, commit, { parent, time, description, tree });
    },
  });
  if (branch === undefined) {
    change.add({
      kind: 'branch.put',
      branch: { repo, name: SYSTEM_BRANCH, head: null, provenance: [], created: time },
    });
  }
  change.add(
    { kind: 'commit.started', commit },
    { kind: 'commit.finished', repo, commit: id, time, ...written, error: null },
    { kind: 'branch.moved', repo, branch: SYSTEM_BRANCH, head: id },
  );
  change.moved({ repo, branch: SYSTEM_BRANCH });
}
