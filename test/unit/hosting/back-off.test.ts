import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BackOff } from '../../../engine/hosting/back-off.ts';
import { ManualClock } from '../../support/manual-clock.ts';

it('pauses grow to a minute, and are short again after a minute without trouble', async () => {
  const clock = new ManualClock();
  const backOff = new BackOff();
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    const pause = backOff.pauseOf(clock);
    pauses.push(pause / 1000);
    await clock.pass(pause);
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
  await clock.pass(60_000);
  assert.equal(backOff.pauseOf(clock), 1000);
});
