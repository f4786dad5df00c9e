// Which version of a spout runs, and when.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ManualClock } from '../../support/manual-clock.ts';
import { SPEC, setUp } from './serving.ts';

it('a spout that waits for room runs its new version as soon as that has some', async (t) => {
  const engine = await setUp(t, { room: { cpus: 1 } });
  await engine.put('data', { x: '1' });
  await engine.pipeline({ ...SPEC, resource_requests: { cpu: 1 } });
  await engine.until(() => engine.record('web').host?.since != null);
  engine.executor.setCode('made', async (run) => {
    run.spec.onStarted?.([]);
    return await run.hang();
  });
  await engine.pipeline({ name: 'made', spout: {}, resource_requests: { cpu: 1 } });
  await engine.until(() => engine.record('made').state === 'starting');
  const waits = /waits for room for a worker \(1 CPU\); what runs for ever \(web\) leaves /;
  await engine.until(() => waits.test(engine.record('made').reason));
  await engine.pipeline({ name: 'made', spout: {} }, { update: true });
  await engine.until(() => engine.record('made').host?.version === 2);
  const { state, reason, host } = engine.record('made');
  assert.deepEqual([state, reason, host?.restarts], ['running', '', 0]);
});

it('a spout whose command ended waits for its pause, and no longer than until it is updated', async (t) => {
  const clock = new ManualClock();
  const engine = await setUp(t, { clock });
  let runs = 0;
  engine.executor.setCode('made', async (run) => {
    run.spec.onStarted?.([]);
    runs += 1;
    return runs === 1 ? 3 : await run.hang();
  });
  await engine.pipeline({ name: 'made', spout: {} });
  await engine.until(() => engine.record('made').host?.restarts === 1);
  assert.equal(engine.record('made').state, 'crashing');
  await engine.pipeline({ name: 'made', spout: {} }, { update: true });
  await engine.until(() => engine.record('made').host?.version === 2);
  assert.equal(engine.record('made').state, 'running');
});
