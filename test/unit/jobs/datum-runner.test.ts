import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { EngineError, isEngineError } from '../../../engine/base/errors.ts';
import type { RunResult, RunSpec } from '../../../engine/executor/executor.ts';
import type { BucketDoor } from '../../../engine/jobs/datum-buckets.ts';
import type { OutFolder } from '../../../engine/jobs/out-folder.ts';
import { type Command, EXITED, setUpRunner as setUp } from './datum-runner-rig.ts';

it('a datum reads its inputs and its output is stored', async (t) => {
  const { runner, task, contents, executor, directory } = setUp(t, async (spec, { out, pfs }) => {
    await spec.onOutput(Buffer.from('working\n'));
    assert.deepEqual(spec.command, ['copy']);
    assert.deepEqual(spec.env, { name: 'value' });
    assert.equal(spec.stdin, 'typed');
    assert.equal(spec.workingDirectory, '/work');
    assert.equal(spec.timeoutMs, 500);
    writeFileSync(join(out, 'copy'), readFileSync(join(pfs, 'in/a')));
    return EXITED;
  });
  const tree = await contents.commit({ a: 'hello' });
  const logged: string[] = [];
  const outcome = await runner.run(
    task({
      entries: [{ input: 'in', path: '/', mode: '40000', id: tree }],
      command: ['copy'],
      environment: { name: 'value' },
      stdin: 'typed',
      workingDirectory: '/work',
      timeoutMs: 500,
    }),
    { onLog: (chunk) => void logged.push(chunk.toString()) },
  );
  const { output, stats, ...rest } = outcome;
  assert.deepEqual(rest, {
    state: 'success',
    exitCode: 0,
    reason: '',
    lastLines: ['working'],
    tries: 1,
    started: 1_700_000_000_000,
  });
  assert.deepEqual(await contents.dump(output), { copy: 'hello' });
  assert.deepEqual([stats.downloadBytes, stats.uploadBytes], [5, 5]);
  assert.deepEqual(logged, ['working\n']);
  assert.deepEqual(readdirSync(join(directory, 'out')), []);
  assert.equal(lstatSync(directory).mode & 0o777, 0o700);
  assert.equal(lstatSync(join(directory, 'out')).mode & 0o777, 0o777);
  assert.equal(executor.started, 1);
});

it('a container is kept for the next datum, and one that fails with another is not its concern', async (t) => {
  const codes = [0, 1, 0];
  const { runner, task, executor } = setUp(t, (_spec, { out }) => {
    assert.deepEqual(readdirSync(out), []);
    writeFileSync(join(out, 'file'), 'x');
    return { kind: 'exited', code: codes.shift() ?? 0 };
  });
  const states = [];
  for (let i = 0; i < 3; i++) {
    states.push((await runner.run(task())).state);
  }
  assert.deepEqual(states, ['success', 'failed', 'success']);
  assert.equal(executor.started, 1);
  assert.equal(runner.workerId, 'worker-1');
});

it('a failed attempt is tried again in a fresh container, and what it wrote is gone', async (t) => {
  const { runner, task, executor, contents } = setUp(t, async (spec, { out, worker }) => {
    writeFileSync(join(out, `by-${worker}`), '');
    await spec.onOutput(Buffer.from(`try ${worker}\n`));
    return { kind: 'exited', code: worker < 3 ? 9 : 0 };
  });
  const logged: string[] = [];
  const outcome = await runner.run(task({ tries: 3 }), {
    onLog: (chunk) => void logged.push(chunk.toString()),
  });
  assert.equal(outcome.state, 'success');
  assert.equal(outcome.tries, 3);
  assert.deepEqual(outcome.lastLines, ['try 3']);
  assert.deepEqual(await contents.dump(outcome.output), { 'by-3': '' });
  assert.deepEqual([executor.started, executor.stopped], [3, 2]);
  assert.match(
    logged[1] ?? '',
    /^pfs: attempt 1 of 3 failed: exit code 9; last lines: try 1; trying again\n$/,
  );
});

it('a datum that fails every time is failed, with the reason of the last attempt', async (t) => {
  const { runner, task } = setUp(t, async (spec) => {
    await spec.onOutput(Buffer.from('Traceback\ncp: /pfs/in/a: Read-only file system\n'));
    return { kind: 'exited', code: 3 };
  });
  const outcome = await runner.run(task({ tries: 2 }));
  assert.equal(outcome.state, 'failed');
  assert.equal(outcome.tries, 2);
  assert.equal(outcome.exitCode, 3);
  assert.equal(outcome.output, null);
  assert.match(
    outcome.reason,
    /^exit code 3; last lines: Traceback \| cp: .*; inputs in \/pfs are read-only/,
  );
});

it('an accepted return code is success', async (t) => {
  const { runner, task } = setUp(t, () => ({ kind: 'exited', code: 42 }));
  const outcome = await runner.run(task({ acceptReturnCodes: [42] }));
  assert.deepEqual([outcome.state, outcome.exitCode], ['success', 42]);
});

it('a time-out and a want of memory are told as such', async (t) => {
  const results: RunResult[] = [
    { kind: 'timed_out' },
    { kind: 'lost', reason: 'gone', outOfMemory: true },
    { kind: 'lost', reason: 'somebody removed it', outOfMemory: false },
    { kind: 'exited', code: 137 },
  ];
  const { runner, task } = setUp(t, () => results.shift() ?? EXITED);
  const reasons = [];
  for (let i = 0; i < 4; i++) {
    reasons.push((await runner.run(task({ timeoutMs: 1500 }))).reason);
  }
  assert.deepEqual(reasons, [
    'it took longer than its time-out of 1.5 s',
    'out of memory: the limit is 512 MiB, see resource_limits',
    'its container died: somebody removed it',
    'exit code 137 (killed; perhaps for want of memory: the limit is 512 MiB, see resource_limits)',
  ]);
});

it('a datum that kills each container fails after its tries, and the next one gets a new container', async (t) => {
  const { runner, task, executor } = setUp(t, (_spec, { worker }) =>
    worker <= 3 ? { kind: 'lost', reason: 'it died', outOfMemory: false } : EXITED,
  );
  assert.equal((await runner.run(task({ tries: 3 }))).state, 'failed');
  assert.equal(runner.isWarm, false);
  assert.equal((await runner.run(task())).state, 'success');
  assert.equal(executor.started, 4);
});

it('an output that can not be stored fails the datum with the path', async (t) => {
  const { runner, task } = setUp(t, (_spec, { out }) => {
    symlinkSync('/etc/passwd', join(out, 'secret'));
    return EXITED;
  });
  const outcome = await runner.run(task({ tries: 2 }));
  assert.deepEqual([outcome.state, outcome.tries, outcome.exitCode], ['failed', 2, 0]);
  assert.match(outcome.reason, /"\/pfs\/out\/secret": it is a symbolic link to "\/etc\/passwd"/);
});

it('inputs that can not be shown fail the datum at once, without a container', async (t) => {
  const { runner, task, executor, contents } = setUp(t, () => EXITED);
  const id = contents.large(Buffer.alloc(2_000_000)).id;
  const entries = [{ input: 'in', path: '/big', mode: '100644', id }];
  const outcome = await runner.run(task({ entries, tries: 3 }));
  assert.deepEqual([outcome.state, outcome.tries], ['failed', 1]);
  assert.match(outcome.reason, /cache .* may hold 1000000 bytes/);
  assert.equal(executor.started, 0);
});

it('failures of ours reject and count as no try', async (t) => {
  const { runner, task, executor, contents } = setUp(t, () => EXITED);
  executor.startError = new EngineError('unavailable', 'Cannot reach Docker');
  await assert.rejects(runner.run(task({ tries: 3 })), (error) =>
    isEngineError(error, 'unavailable'),
  );
  executor.startError = undefined;
  const broken = task({
    withWriter: async () => {
      throw new EngineError('unavailable', 'Cannot reach the store');
    },
  });
  await assert.rejects(runner.run(broken), (error) => isEngineError(error, 'unavailable'));
  contents.intercept = async () => {
    throw new EngineError('unavailable', 'Cannot reach the store');
  };
  const { id } = contents.writeFile(Buffer.from('x'));
  const entries = [{ input: 'in', path: '/x', mode: '100644', id }];
  await assert.rejects(runner.run(task({ entries })), (error) =>
    isEngineError(error, 'unavailable'),
  );
  contents.intercept = undefined;
  assert.equal((await runner.run(task({ entries }))).state, 'success');
});

it('a container that vanished while idle is replaced; a fresh one that can not run is our failure', async (t) => {
  const { runner, task, executor } = setUp(t, () => EXITED);
  await runner.run(task());
  executor.command = (_spec, { worker }) => {
    if (worker === 1) {
      throw new EngineError('unavailable', 'Cannot run: the container is gone');
    }
    return EXITED;
  };
  const outcome = await runner.run(task());
  assert.deepEqual([outcome.state, outcome.tries, executor.started], ['success', 1, 2]);
  executor.command = () => {
    throw new EngineError('unavailable', 'Cannot run: Docker is gone');
  };
  await assert.rejects(runner.run(task()), (error) => isEngineError(error, 'unavailable'));
  assert.equal(executor.started, 3);
});

it('an abort ends the datum as if it had never run, and the container stays good', async (t) => {
  const stop = new AbortController();
  const { runner, task, executor, directory } = setUp(t, (spec, { out }) => {
    writeFileSync(join(out, 'half'), '');
    stop.abort();
    assert.equal(spec.signal?.aborted, true);
    throw new EngineError('cancelled', 'Cannot go on: cancelled');
  });
  await assert.rejects(runner.run(task(), { signal: stop.signal }), (error) =>
    isEngineError(error, 'cancelled'),
  );
  assert.deepEqual(readdirSync(join(directory, 'out')), []);
  executor.command = () => EXITED;
  assert.equal((await runner.run(task())).state, 'success');
  assert.equal(executor.started, 1);
});

it('what only another user may touch is taken over by the worker', async (t) => {
  if (process.getuid?.() === 0) {
    t.skip('root may touch everything');
    return;
  }
  const { runner, task, executor, contents } = setUp(t, (_spec, { out }) => {
    writeFileSync(join(out, 'file'), 'F');
    chmodSync(join(out, 'file'), 0);
    return EXITED;
  });
  executor.onTakeOver = (out) => chmodSync(join(out, 'file'), 0o644);
  const outcome = await runner.run(task());
  assert.deepEqual(await contents.dump(outcome.output), { file: 'F' });
  assert.equal(executor.takenOver, 1);
  executor.onTakeOver = () => {};
  const refused = await runner.run(task());
  assert.match(refused.reason, /left files in \/pfs\/out that nobody else may read/);
});

it('an err_cmd that fills the disk fails the datum, whatever tries are left', async (t) => {
  let attempts = 0;
  const command = (spec: RunSpec) => {
    if (spec.command[0] !== 'mend') {
      attempts += 1;
      return { kind: 'exited', code: 1 } as const;
    }
    return new Promise<RunResult>((_resolve, reject) => {
      spec.signal?.addEventListener('abort', () => {
        reject(new EngineError('cancelled', 'Cannot go on: cancelled'));
      });
    });
  };
  const { runner, task } = setUp(t, command, { minFreeBytes: 1e18 });
  const outcome = await runner.run(task({ tries: 3, recovery: { command: ['mend'] } }));
  await runner.close();
  assert.deepEqual([outcome.state, outcome.tries, attempts], ['failed', 1, 1]);
  assert.match(outcome.reason, /must stay free/);
});

it('a datum that writes more than its limit is ended, or fails at its end, and is not tried again', async (t) => {
  const MiB = 1024 * 1024;
  let size = 3 * MiB;
  let isPatient = true;
  let attempts = 0;
  const command: Command = ({ signal }, { out }) => {
    attempts += 1;
    mkdirSync(join(out, 'd'), { recursive: true });
    writeFileSync(join(out, 'd/file'), Buffer.alloc(size, 'x'));
    return isPatient
      ? new Promise((_, reject) => {
          const cancelled = new EngineError('cancelled', 'Cannot go on: cancelled');
          signal?.addEventListener('abort', () => reject(cancelled));
        })
      : EXITED;
  };
  const { runner, task } = setUp(t, command, { diskBytes: 2 * MiB });
  for (const waits of [true, false]) {
    isPatient = waits;
    attempts = 0;
    const outcome = await runner.run(task({ tries: 3 }));
    assert.deepEqual([outcome.state, attempts], ['failed', 1]);
    assert.match(outcome.reason, /more output than resource_limits\.disk allows \(2 MiB\)/);
  }
  size = MiB;
  assert.equal((await runner.run(task())).state, 'success');
  await runner.close();
});

/** A door whose buckets are at hand: `put` writes to the one of the moment. */
function bucketDoor() {
  const opened: OutFolder[] = [];
  const buckets: BucketDoor = {
    open: async (_, out) => {
      opened.push(out);
      return { environment: { S3: 'here' }, close: async () => undefined };
    },
  };
  const put = async (path: string, content: Buffer) => {
    const source = (async function* () {
      yield content;
    })();
    await opened.at(-1)?.put(path, source, { tag: () => 'tag' });
  };
  return { buckets, put };
}

const S3_OUT = { inputs: new Map(), isOutput: true };

it('what a datum writes to its bucket counts towards its limit', async (t) => {
  const { buckets, put } = bucketDoor();
  let size = 3;
  const command: Command = async () => {
    await put('deep/file', Buffer.alloc(size * 1024 * 1024, 'x'));
    return EXITED;
  };
  const { runner, task } = setUp(t, command, { diskBytes: 2 * 1024 * 1024, buckets });
  const failed = await runner.run(task({ tries: 3, buckets: S3_OUT }));
  assert.deepEqual([failed.state, failed.tries], ['failed', 1]);
  assert.match(failed.reason, /wrote more output than resource_limits\.disk allows \(2 MiB\)/);
  size = 1;
  assert.equal((await runner.run(task({ buckets: S3_OUT }))).state, 'success');
  await runner.close();
});

it('with s3_out, what is in /pfs/out fails the datum, also where nobody may look into that', async (t) => {
  const { buckets, put } = bucketDoor();
  let leave: (out: string) => void = (out) => writeFileSync(join(out, 'lost'), 'x');
  const { runner, task, executor } = setUp(
    t,
    async (_, { out }) => {
      await put('file', Buffer.from('y'));
      leave(out);
      return EXITED;
    },
    { buckets },
  );
  const full = await runner.run(task({ buckets: S3_OUT }));
  assert.deepEqual([full.state, full.exitCode], ['failed', 0]);
  assert.match(full.reason, /Cannot store output "\/pfs\/out\/lost": with s3_out/);
  if (process.getuid?.() !== 0) {
    leave = (out) => chmodSync(out, 0);
    executor.onTakeOver = (out) => chmodSync(out, 0o777);
    const closed = await runner.run(task({ buckets: S3_OUT }));
    assert.deepEqual([closed.state, closed.exitCode], ['failed', 0]);
    assert.match(closed.reason, /left files in \/pfs\/out that nobody else may read/);
  }
  leave = () => undefined;
  assert.equal((await runner.run(task({ buckets: S3_OUT }))).state, 'success');
  await runner.close();
});

it('a datum with buckets runs only where somebody serves them, and reading ones makes no folder for output', async (t) => {
  const { buckets } = bucketDoor();
  const seen: unknown[] = [];
  const look: Command = ({ env }, { out }) => {
    seen.push([env.S3, existsSync(join(out, '../s3'))]);
    return EXITED;
  };
  const reads = { inputs: new Map(), isOutput: false };
  const { runner, task } = setUp(t, look, { buckets });
  assert.equal((await runner.run(task({ buckets: reads }))).state, 'success');
  await runner.close();
  const without = setUp(t, look);
  await assert.rejects(without.runner.run(task({ buckets: reads })), {
    code: 'failed_precondition',
    message: /serves none/,
  });
  await without.runner.close();
  assert.deepEqual(seen, [['here', false]]);
});

it('many datums cost little beside their commands', async (t) => {
  const { runner, task, contents } = setUp(t, (_spec, { out, pfs }) => {
    writeFileSync(join(out, 'file'), readFileSync(join(pfs, 'in/f')));
    return EXITED;
  });
  const start = performance.now();
  const count = 500;
  for (let i = 0; i < count; i++) {
    const { id } = contents.writeFile(Buffer.from(`content ${i}`));
    await runner.run(task({ entries: [{ input: 'in', path: '/f', mode: '100644', id }] }));
  }
  const ms = (performance.now() - start) / count;
  t.diagnostic(`${ms.toFixed(2)} ms per datum: fetch, link, command of two calls, collect, empty`);
  assert.ok(ms < 50);
});
