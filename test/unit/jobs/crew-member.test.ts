import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EngineError, isEngineError } from '../../../engine/base/errors.ts';
import { Admission } from '../../../engine/jobs/admission.ts';
import { CrewMember } from '../../../engine/jobs/crew-member.ts';
import { InstantClock } from '../../support/instant-clock.ts';
import { setUpRunner } from './datum-runner-rig.ts';

it('a worker whose command can not be ended gives its room to others all the same', async (t) => {
  const { signal } = new AbortController();
  const clock = new InstantClock();
  const room = { cpus: 1, memoryBytes: 0, gpus: 0 };
  const admission = new Admission({ clock, capacity: async () => room });
  const demand = { pipeline: 'p', need: () => room };
  const { runner } = setUpRunner(t, () => ({ kind: 'exited', code: 0 }));
  const member = new CrewMember('worker', { runner, clock, admission, demand });
  await member.ready(signal);
  runner.settle = () => Promise.reject(new EngineError('unavailable', 'Cannot reach Docker'));
  await assert.rejects(member.rest(), (error) => isEngineError(error, 'unavailable'));
  let place: unknown;
  void admission.enter({ ...demand, onWait: (now) => (place = now) }, signal);
  await new Promise(setImmediate);
  assert.equal(place, undefined, 'others wait for it');
});
