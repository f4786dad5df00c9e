import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Action,
  type JobView,
  type PlanView,
  plan,
  type SourceView,
} from '../../../engine/pipeline/plan.ts';

const good: SourceView = { name: 'data@master', state: 'good' };
const open: SourceView = { name: 'up@master', state: 'open' };
const failed: SourceView = { name: 'up@master', state: 'failed' };

/** A job of a pipeline, `p@1`, that may run now unless told otherwise. */
function job(key: string, more: Partial<JobView> = {}): JobView {
  const [pipeline = '', id = ''] = key.split('@');
  return { key, pipeline, id, depth: 0, isStopped: false, owner: null, sources: [good], ...more };
}

const run = (key: string): Action => ({ kind: 'run', job: key });
const abandon = (key: string): Action => ({ kind: 'abandon', job: key });
const giveUp = (key: string, ...names: string[]): Action => ({
  kind: 'give_up',
  job: key,
  reason: `unrunnable because what it reads from failed: ${names.join(', ')}`,
});

interface Row {
  readonly title: string;
  readonly jobs: readonly JobView[];
  readonly running?: readonly string[];
  readonly alive?: readonly string[];
  readonly actions: readonly Action[];
}

const rows: readonly Row[] = [
  { title: 'nothing to do where there are no jobs', jobs: [], actions: [] },
  { title: 'a job whose sources are good runs', jobs: [job('p@1')], actions: [run('p@1')] },
  {
    title: 'a job without sources runs',
    jobs: [job('p@1', { sources: [] })],
    actions: [run('p@1')],
  },
  {
    title: 'a job waits while a source is open',
    jobs: [job('p@1', { sources: [good, open] })],
    actions: [],
  },
  {
    title: 'a job is given up once a source failed, and the reason names it',
    jobs: [job('p@1', { sources: [good, failed] })],
    actions: [giveUp('p@1', 'up@master')],
  },
  {
    title: 'a job is given up at once, although another source is still open',
    jobs: [job('p@1', { sources: [open, { ...failed, name: 'other@master' }] })],
    actions: [giveUp('p@1', 'other@master')],
  },
  {
    title: 'all failed sources are named',
    jobs: [job('p@1', { sources: [failed, { ...failed, name: 'b@master' }] })],
    actions: [giveUp('p@1', 'up@master', 'b@master')],
  },
  { title: 'a running job is left alone', jobs: [job('p@1')], running: ['p@1'], actions: [] },
  {
    title: 'the jobs of a pipeline run one after the other, oldest first',
    jobs: [job('p@3'), job('p@1'), job('p@2')],
    actions: [run('p@1')],
  },
  {
    title: 'the order is that of the commits and not of the ids, which may be older',
    jobs: [job('p@1', { depth: 2 }), job('p@2', { depth: 1 })],
    actions: [run('p@2')],
  },
  {
    title: 'a job that was left of a stopped pipeline is killed, whatever its sources',
    jobs: [job('p@1', { isStopped: true, sources: [open], owner: 'other' })],
    alive: ['other'],
    actions: [{ kind: 'kill', job: 'p@1' }],
  },
  {
    title: 'work on a job of a stopped pipeline is abandoned',
    jobs: [job('p@1', { isStopped: true, owner: 'self' })],
    running: ['p@1'],
    actions: [abandon('p@1')],
  },
  {
    title: 'a younger job waits behind one whose source is open',
    jobs: [job('p@1', { sources: [open] }), job('p@2')],
    actions: [],
  },
  {
    title: 'a younger job waits behind the one that runs',
    jobs: [job('p@1'), job('p@2')],
    running: ['p@1'],
    actions: [],
  },
  {
    title: 'pipelines do not wait for each other',
    jobs: [job('p@1'), job('q@1'), job('r@1', { sources: [open] })],
    running: ['p@1'],
    actions: [run('q@1')],
  },
  {
    title: 'a job of its own that does not run here is taken up again',
    jobs: [job('p@1', { owner: 'self' })],
    actions: [run('p@1')],
  },
  {
    title: 'a job of another engine that lives is left to it',
    jobs: [job('p@1', { owner: 'other' }), job('p@2')],
    alive: ['other'],
    actions: [],
  },
  {
    title: 'a job of an engine that died is taken over',
    jobs: [job('p@1', { owner: 'other' })],
    actions: [run('p@1')],
  },
  {
    title: 'work on a job that another engine took is abandoned',
    jobs: [job('p@1', { owner: 'other' })],
    running: ['p@1'],
    alive: ['other'],
    actions: [abandon('p@1')],
  },
  {
    title: 'work on a job that has ended is abandoned, and the next job waits for it to stop',
    jobs: [job('p@2')],
    running: ['p@1'],
    actions: [abandon('p@1')],
  },
];

describe('the planner', () => {
  for (const { title, jobs, running = [], alive = [], actions } of rows) {
    it(title, () => {
      const view: PlanView = {
        self: 'self',
        running: new Set(running),
        jobs,
        isAlive: (owner) => alive.includes(owner),
      };
      assert.deepEqual(plan(view), actions);
    });
  }

  it('asks nothing else once its actions are done', () => {
    const jobs = [job('p@1'), job('q@1', { sources: [open] })];
    const [action] = plan({ self: 'self', running: new Set(), jobs, isAlive: () => false });
    assert.deepEqual(action, run('p@1'));
    const after = { self: 'self', running: new Set(['p@1']), jobs, isAlive: () => false };
    assert.deepEqual(plan(after), []);
  });
});
