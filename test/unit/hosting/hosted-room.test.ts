import assert from 'node:assert/strict';
import { it } from 'node:test';
import { HostedRoom } from '../../../engine/hosting/hosted-room.ts';
import { Admission } from '../../../engine/jobs/admission.ts';
import type { Room } from '../../../engine/pipeline/resources.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { SPEC, serving, setUp, text } from './serving.ts';

const NEVER = new AbortController().signal;

function rig() {
  const room = (cpus: number): Room => ({ cpus, memoryBytes: 0, gpus: 0 });
  const capacity = () => Promise.resolve(room(4));
  const admission = new Admission({ clock: new ManualClock(), capacity });
  const web = new HostedRoom(admission, 'web');
  const enter = (cpus: number, signal = NEVER) =>
    web.enter({ need: () => room(cpus), signal, onWait: () => undefined });
  /** Whether a job's worker of that size would have to wait. */
  const waits = async (cpus: number) => {
    const over = new AbortController();
    let isWaiting = false;
    const onWait = (place: unknown) => {
      isWaiting ||= place !== undefined;
    };
    const entered = admission.enter(
      { pipeline: 'job', need: () => room(cpus), onWait },
      over.signal,
    );
    entered.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    over.abort();
    (await entered.catch(() => undefined))?.release();
    return isWaiting;
  };
  return { admission, room, enter, waits };
}

it('a container that waits for more than its pipeline has gets all of it, also when the one before it ends meanwhile', async () => {
  const { admission, enter, waits } = rig();
  const first = await enter(1);
  const job = await admission.enter(
    { pipeline: 'other', need: () => ({ cpus: 3, memoryBytes: 0, gpus: 0 }) },
    NEVER,
  );
  const next = enter(3);
  await new Promise((resolve) => setImmediate(resolve));
  first();
  job.release();
  const leave = await next;
  assert.deepEqual([await waits(1), await waits(2)], [false, true]);
  leave();
  assert.equal(await waits(4), false);
});

it('one that waits keeps nothing once the one before it has ended, nor when it stops waiting', async () => {
  const { admission, enter, waits } = rig();
  const first = await enter(1);
  await admission.enter(
    { pipeline: 'other', need: () => ({ cpus: 3, memoryBytes: 0, gpus: 0 }) },
    NEVER,
  );
  const over = new AbortController();
  const next = enter(3, over.signal);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await waits(1), true);
  first();
  assert.equal(await waits(1), false);
  over.abort();
  await assert.rejects(next, { code: 'cancelled' });
  assert.equal(await waits(1), false);
});

it('two that want more than they had do not wait for each other for ever', async () => {
  const { admission, room, enter } = rig();
  const api = new HostedRoom(admission, 'api');
  const enterApi = () => api.enter({ need: () => room(4), signal: NEVER, onWait: () => undefined });
  const ended = [
    await enter(2),
    await api.enter({ need: () => room(2), signal: NEVER, onWait: () => undefined }),
  ];
  const both = [enter(4), enterApi()];
  await new Promise((resolve) => setImmediate(resolve));
  for (const leave of ended) {
    leave();
  }
  const first = await Promise.race(both);
  first();
  await Promise.all(both);
});

it('one that waits goes on from what the one before it has when that begins again', async () => {
  const { admission, room, enter } = rig();
  const first = await enter(2);
  const job = await admission.enter({ pipeline: 'job', need: () => room(2) }, NEVER);
  const next = enter(4);
  await new Promise((resolve) => setImmediate(resolve));
  first();
  await enter(2);
  job.release();
  await next;
});

it('a container takes the place of another although there is room for one only', async () => {
  const { enter, waits } = rig();
  const leave = await enter(4);
  const leaveNext = await enter(4);
  leave();
  assert.equal(await waits(1), true);
  leaveNext();
  assert.equal(await waits(4), false);
});

it('one that needs more gets that on top, one that needs less gives the rest back', async () => {
  const { enter, waits } = rig();
  const small = await enter(1);
  const large = await enter(3);
  assert.deepEqual([await waits(1), await waits(2)], [false, true]);
  small();
  assert.deepEqual([await waits(1), await waits(2)], [false, true]);
  const last = await enter(2);
  large();
  assert.deepEqual([await waits(2), await waits(3)], [false, true]);
  last();
  assert.equal(await waits(4), false);
});

it('one that needs more than there is in all is refused, and does not wait for itself', async () => {
  const { enter } = rig();
  await enter(2);
  await assert.rejects(enter(5), {
    code: 'failed_precondition',
    message: /resource_requests\.cpu/,
  });
});

it("a service that asks for nothing is in no job's way", async (t) => {
  const engine = await setUp(t, { room: { cpus: 1 } });
  await engine.put('data', { x: '1' });
  await engine.pipeline(SPEC);
  await engine.until(() => engine.record('web').host?.since != null);
  await engine.pipeline({ name: 'first', input: 'data', resource_requests: { cpu: 1 } });
  await engine.until(() => engine.executor.count('first') === 1);
});

it('a job that needs what a service has waits, says so, and keeps no other job waiting', async (t) => {
  const engine = await setUp(t, { room: { cpus: 2 } });
  await engine.put('data', { x: '1' });
  await engine.pipeline({ ...SPEC, resource_requests: { cpu: 1 } });
  await engine.until(() => engine.record('web').host?.since != null);
  await engine.pipeline({ name: 'large', input: 'data', resource_requests: { cpu: 2 } });
  await engine.until(() => engine.record('large').state === 'running');
  await engine.pipeline({ name: 'small', input: 'data', resource_requests: { cpu: 1 } });
  await engine.until(() => engine.executor.count('small') === 1);
  assert.equal(engine.executor.count('large'), 0);
  assert.match(
    engine.pool.waitsFor('default/large'),
    /\(2 CPUs.*what runs for ever \(web\) leaves 1 CPU/,
  );
  await engine.stop('web');
  await engine.until(() => engine.executor.count('large') === 1);
});

it('one that fills the machine is replaced all the same, and jobs wait for it', async (t) => {
  const engine = await setUp(t, { room: { cpus: 1 } });
  await engine.put('data', { x: '1' });
  await engine.pipeline({ ...SPEC, resource_requests: { cpu: 1 } });
  await engine.until(() => engine.record('web').host?.since != null);
  await engine.pipeline({ name: 'first', input: 'data' });
  const next = await engine.put('data', { x: '2' });
  await serving(engine, next.id);
  assert.equal(await text(engine), '2');
  assert.equal(engine.executor.count('first'), 0);
  await engine.stop('web');
  await engine.until(() => engine.executor.count('first') > 0);
});
