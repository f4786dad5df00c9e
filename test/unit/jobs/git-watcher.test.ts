import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GitWatcher, type GitWatcherOptions } from '../../../engine/jobs/git-watcher.ts';
import { Latch } from '../../support/latch.ts';
import { ManualClock } from '../../support/manual-clock.ts';

it('what ends the watching itself is told, and ends nothing else', async () => {
  const told: unknown[] = [];
  const isTold = new Latch();
  const broken = new Error('the journal is gone');
  const watcher = new GitWatcher({
    context: {
      journal: {
        changes: () => {
          throw broken;
        },
      },
    } as unknown as GitWatcherOptions['context'],
    secrets: undefined as unknown as GitWatcherOptions['secrets'],
    clock: new ManualClock(),
    scratch: '',
    pollMs: 0,
    onProblem: (error) => {
      told.push(error);
      isTold.open();
    },
  });
  watcher.start();
  await isTold.opened;
  await watcher.stop();
  assert.deepEqual(told, [broken]);
});
