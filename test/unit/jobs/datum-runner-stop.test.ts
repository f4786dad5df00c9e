import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { EngineError, isEngineError } from '../../../engine/base/errors.ts';
import { EXITED, setUpRunner as setUp } from './datum-runner-rig.ts';

it('stop ends the container and frees the inputs; close removes the directories', async (t) => {
  const { runner, task, executor, contents, directory } = setUp(t, () => EXITED);
  const tree = await contents.commit({ a: 'hello' });
  const entries = [{ input: 'in', path: '/', mode: '40000', id: tree }];
  await runner.run(task({ entries }));
  assert.ok(existsSync(join(directory, 'pfs/in/a')));
  await runner.stop();
  assert.equal(existsSync(join(directory, 'pfs/in')), false);
  assert.equal(executor.stopped, 1);
  assert.equal((await runner.run(task({ entries }))).state, 'success');
  // Also while it is just being stopped by somebody else.
  await Promise.all([runner.stop(), runner.close()]);
  assert.equal(existsSync(directory), false);
  await runner.close();
});

it('stopping while a datum is processed cancels it; that is no failure of the datum', async (t) => {
  let started = () => {};
  const running = new Promise<void>((resolve) => {
    started = resolve;
  });
  const { runner, task, executor } = setUp(t, (spec) => {
    started();
    return new Promise((_resolve, reject) => {
      spec.signal?.addEventListener('abort', () => {
        reject(new EngineError('cancelled', 'Cannot go on: cancelled'));
      });
    });
  });
  const cancelled = assert.rejects(runner.run(task()), (error) =>
    isEngineError(error, 'cancelled'),
  );
  await running;
  await runner.close();
  await cancelled;
  assert.deepEqual([executor.started, executor.stopped], [1, 1]);
});

it('a datum that comes while the container is being ended waits, and has its inputs', async (t) => {
  const { runner, task, executor, contents } = setUp(t, (_spec, { pfs }) => {
    assert.equal(readFileSync(join(pfs, 'in/a'), 'utf8'), 'hello');
    return EXITED;
  });
  const tree = await contents.commit({ a: 'hello' });
  const entries = [{ input: 'in', path: '/', mode: '40000', id: tree }];
  await runner.run(task({ entries }));
  let end = () => {};
  const begun = new Promise<void>((resolve) => {
    executor.onStop = () => {
      resolve();
      return new Promise((ended) => (end = ended));
    };
  });
  const stopping = runner.stop();
  await begun;
  let hasStopped = false;
  executor.command = async (_spec, { pfs }) => {
    assert.ok(hasStopped, 'it began before the end of the stop');
    assert.equal(readFileSync(join(pfs, 'in/a'), 'utf8'), 'hello');
    return EXITED;
  };
  void stopping.then(() => (hasStopped = true));
  const running = runner.run(task({ entries }));
  setImmediate(() => end());
  assert.equal((await running).state, 'success');
  await stopping;
  assert.equal(executor.started, 2);
});
