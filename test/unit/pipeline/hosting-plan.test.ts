import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type HostedView, planHosting } from '../../../engine/pipeline/hosting-plan.ts';

const SELF = 'self';
const DEAD = 'dead';

function view(more: Partial<HostedView> = {}): HostedView {
  return { key: 'default/p', id: '1', kind: 'service', isStopped: false, owner: null, ...more };
}

/** Returns what is to be done, in words, about one pipeline that this engine hosts as `hosted`, or does not. */
function planFor(pipeline: HostedView | undefined, hosted?: Partial<HostedView>): string {
  const { key, id, kind } = view(hosted);
  return planHosting({
    self: SELF,
    hosting: new Map(hosted ? [[key, { id, kind }]] : []),
    pipelines: pipeline ? [pipeline] : [],
    isAlive: (owner) => owner !== DEAD,
  })
    .map((action) => action.kind)
    .join(', ');
}

it('hosts what nobody does, what a dead engine did, and what was its own before', () => {
  assert.equal(planFor(view()), 'host');
  assert.equal(planFor(view({ owner: DEAD })), 'host');
  assert.equal(planFor(view({ owner: SELF })), 'host');
});

it('leaves alone what another engine hosts, what is stopped, and what it hosts itself', () => {
  assert.equal(planFor(view({ owner: 'other' })), '');
  assert.equal(planFor(view({ isStopped: true })), '');
  assert.equal(planFor(view({ owner: SELF }), {}), '');
  assert.equal(planFor(undefined), '');
});

it('lets go of what is deleted, made anew, stopped, of another kind, or another engine has', () => {
  assert.equal(planFor(undefined, {}), 'leave');
  assert.equal(planFor(view({ id: '2' }), {}), 'leave');
  assert.equal(planFor(view({ owner: SELF, isStopped: true }), {}), 'leave');
  assert.equal(planFor(view({ owner: SELF, kind: 'spout' }), {}), 'leave');
  assert.equal(planFor(view({ owner: 'other' }), {}), 'leave');
});

it('hosts anew only once what it lets go of is gone', () => {
  assert.equal(planFor(view({ id: '2', owner: null }), { id: '1' }), 'leave');
});
