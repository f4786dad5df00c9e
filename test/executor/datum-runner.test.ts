import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { isEngineError } from '../../engine/base/errors.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import type { WorkerSpec } from '../../engine/executor/executor.ts';
import { DatumRunner } from '../../engine/jobs/datum-runner.ts';
import type { DatumTask, MountEntry } from '../../engine/jobs/datum-task.ts';
import { FileCache } from '../../engine/jobs/file-cache.ts';
import { docker, testImages } from '../support/docker.ts';
import { MemoryContents } from '../support/memory-contents.ts';
import { openExecutor } from './executor-for-test.ts';

const MiB = 1024 * 1024;

async function setUp(t: TestContext, worker: Partial<WorkerSpec> = {}) {
  const images = await testImages();
  if (images.skip !== undefined) {
    t.skip(images.skip);
    return undefined;
  }
  const { executor } = await openExecutor(t);
  const scratch = mkdtempSync(join(tmpdir(), 'pfs-runner-'));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  const contents = new MemoryContents();
  const directory = join(scratch, 'slot');
  const runner = new DatumRunner({
    executor,
    cache: new FileCache(join(scratch, 'cache'), { maxBytes: 1e8, minFreeBytes: 0 }),
    clock: new SystemClock(),
    minFreeBytes: 0,
    directory,
    buckets: undefined,
    worker: {
      image: await executor.resolveImage(images.busybox),
      labels: {},
      name: 'runner',
      limits: {},
      ...worker,
    },
  });
  t.after(() => runner.close());
  const task = (script: string, more: Partial<DatumTask> = {}): DatumTask => ({
    datum: 'd',
    entries: [],
    environment: {},
    command: ['sh', '-c', script],
    acceptReturnCodes: [],
    tries: 1,
    contents,
    withWriter: (use) => use(contents),
    ...more,
  });
  return { runner, task, contents, directory };
}

const whole = (id: string): MountEntry => ({ input: 'in', path: '/', mode: '40000', id });

describe('DatumRunner on Docker', { timeout: 180_000 }, () => {
  it('user code reads its inputs, cannot change them, and its output is stored', async (t) => {
    const bench = await setUp(t);
    if (!bench) {
      return;
    }
    const { runner, task, contents } = bench;
    const tree = await contents.commit({
      'a.txt': 'A',
      'd/run': { executable: '#!/bin/sh\necho R\n' },
    });
    const script = `set -e
      cp /pfs/in/a.txt /pfs/out/copy
      /pfs/in/d/run > /pfs/out/ran
      ln -s /pfs/in/d /pfs/out/linked
      for broken in 'echo x > /pfs/in/a.txt' 'chmod 777 /pfs/in/a.txt' 'rm /pfs/in/a.txt' 'touch /pfs/in/new' \\
        'ln /pfs/in/a.txt /pfs/out/hard' 'touch /pfs/new'
      do
        if sh -c "$broken" 2>&1; then echo "$broken" >> /pfs/out/wrong; fi
      done
      echo "$MESSAGE" | tee /pfs/out/env`;
    const outcome = await runner.run(
      task(script, {
        entries: [whole(tree)],
        environment: { MESSAGE: "it's" },
      }),
    );
    assert.equal(outcome.reason, '');
    assert.deepEqual(await contents.dump(outcome.output), {
      copy: 'A',
      env: "it's\n",
      'linked/run*': '#!/bin/sh\necho R\n',
      ran: 'R\n',
    });
    assert.equal(outcome.lastLines.at(-1), "it's");
  });

  it('a variable may have a name that shells would drop', async (t) => {
    const bench = await setUp(t);
    if (!bench) {
      return;
    }
    const { runner, task } = bench;
    const environment = { 'my-repo': '/pfs/x' };
    const outcome = await runner.run(task('', { environment, command: ['env'] }));
    assert.ok(outcome.lastLines.includes('my-repo=/pfs/x'));
  });

  it('in one warm container each datum sees its own inputs and an empty output', async (t) => {
    const bench = await setUp(t);
    if (!bench) {
      return;
    }
    const { runner, task, contents } = bench;
    let worker: string | undefined;
    for (let i = 0; i < 20; i++) {
      const tree = await contents.commit({ value: `${i}`, fixed: 'F', [`only-${i}`]: '' });
      const outcome = await runner.run(
        task('ls /pfs/in /pfs/out > /pfs/out/list; cat /pfs/in/value > /pfs/out/value', {
          entries: [whole(tree)],
        }),
      );
      const files = await contents.dump(outcome.output);
      assert.equal(files.value, `${i}`);
      assert.equal(files.list, `/pfs/in:\nfixed\nonly-${i}\nvalue\n\n/pfs/out:\nlist\n`);
      worker ??= runner.workerId;
      assert.equal(runner.workerId, worker);
    }
  });

  it('hostile outputs fail their datum alone, and the next one finds an empty directory', async (t) => {
    const bench = await setUp(t);
    if (!bench) {
      return;
    }
    const { runner, task, directory } = bench;
    const cases: [string, RegExp][] = [
      ['ln -s /etc/passwd /pfs/out/x', /symbolic link to "\/etc\/passwd"/],
      ['ln -s ../../../etc/passwd /pfs/out/x', /outside \/pfs/],
      ['mkfifo /pfs/out/x', /named pipe/],
      ['mkdir /pfs/out/.git', /\.git/],
      ['ln -s x /pfs/out/x', /loop/],
      ['touch "/pfs/out/$(printf \'\\377\')"', /not UTF-8/],
      [
        'cd /pfs/out; for i in $(seq 300); do mkdir dddddddddddddddddddd; cd dddddddddddddddddddd; done; touch f',
        /too long|longer/,
      ],
    ];
    for (const [script, reason] of cases) {
      const outcome = await runner.run(task(script));
      assert.equal(outcome.state, 'failed', script);
      assert.match(outcome.reason, reason);
      assert.deepEqual(readdirSync(join(directory, 'out')), [], script);
    }
  });

  it('what root in the container leaves unreadable is stored and removed all the same', async (t) => {
    const bench = await setUp(t);
    if (!bench) {
      return;
    }
    const { runner, task, contents, directory } = bench;
    const outcome = await runner.run(
      task(
        'mkdir -p /pfs/out/a/b; echo x > /pfs/out/a/b/f; chmod 0 /pfs/out/a/b/f; chmod 0 /pfs/out/a/b /pfs/out/a',
      ),
    );
    assert.equal(outcome.reason, '');
    assert.deepEqual(await contents.dump(outcome.output), { 'a/b/f': 'x\n' });
    assert.deepEqual(readdirSync(join(directory, 'out')), []);
  });

  it('user code of any user may write its output', async (t) => {
    const bench = await setUp(t, { user: '1234:1234' });
    if (!bench) {
      return;
    }
    const { runner, task, contents } = bench;
    const tree = await contents.commit({ a: 'A' });
    const outcome = await runner.run(
      task('id -u > /pfs/out/id; mkdir -m 700 /pfs/out/d; cat /pfs/in/a > /pfs/out/d/a', {
        entries: [whole(tree)],
      }),
    );
    assert.equal(outcome.reason, '');
    assert.deepEqual(await contents.dump(outcome.output), { id: '1234\n', 'd/a': 'A' });
  });

  it('a command that takes too long is ended and tried again in a fresh container', async (t) => {
    const bench = await setUp(t);
    if (!bench) {
      return;
    }
    const { runner, task } = bench;
    const outcome = await runner.run(task('echo started; sleep 100', { tries: 2, timeoutMs: 500 }));
    assert.deepEqual([outcome.state, outcome.tries, outcome.exitCode], ['failed', 2, null]);
    assert.match(outcome.reason, /longer than its time-out of 0.5 s; last lines: started/);
    assert.ok(outcome.stats.processMs < 30_000);
  });

  it('a datum that eats all memory fails with the limit, and the next one runs', async (t) => {
    const bench = await setUp(t, { limits: { memoryBytes: 32 * MiB } });
    if (!bench) {
      return;
    }
    const { runner, task } = bench;
    const outcome = await runner.run(
      task('x=xxxxxxxx; while true; do x="$x$x"; done', { tries: 2 }),
    );
    assert.deepEqual([outcome.state, outcome.tries], ['failed', 2]);
    assert.match(outcome.reason, /memory.*the limit is 32 MiB/);
    assert.equal((await runner.run(task('true'))).state, 'success');
  });

  it('a datum whose container is killed each time fails after its tries', async (t) => {
    const bench = await setUp(t);
    if (!bench) {
      return;
    }
    const { runner, task } = bench;
    let kills = 0;
    const outcome = await runner.run(task('echo ready; sleep 100', { tries: 2 }), {
      onLog: async (chunk) => {
        if (chunk.toString().startsWith('ready')) {
          kills += 1;
          await docker('kill', runner.workerId ?? '');
        }
      },
    });
    assert.equal(kills, 2);
    assert.deepEqual([outcome.state, outcome.tries], ['failed', 2]);
    assert.match(outcome.reason, /its container died/);
  });

  it('a container that was removed while idle is replaced without a try', async (t) => {
    const bench = await setUp(t);
    if (!bench) {
      return;
    }
    const { runner, task } = bench;
    await runner.run(task('true'));
    await docker('rm', '-f', runner.workerId ?? '');
    const outcome = await runner.run(task('true'));
    assert.deepEqual([outcome.state, outcome.tries], ['success', 1]);
  });

  it('an abort ends the command at once', async (t) => {
    const bench = await setUp(t);
    if (!bench) {
      return;
    }
    const { runner, task, directory } = bench;
    const stop = new AbortController();
    const running = runner.run(task('echo started; touch /pfs/out/half; sleep 100'), {
      signal: stop.signal,
      onLog: () => stop.abort(),
    });
    await assert.rejects(running, (error) => isEngineError(error, 'cancelled'));
    assert.deepEqual(readdirSync(join(directory, 'out')), []);
    assert.equal((await runner.run(task('true'))).state, 'success');
  });

  it('hundreds of datums take a few milliseconds each', async (t) => {
    const bench = await setUp(t);
    if (!bench) {
      return;
    }
    const { runner, task, contents, directory } = bench;
    await runner.run(task('true'));
    const count = 200;
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const { id } = contents.writeFile(Buffer.from(`content ${i}`));
      const entries = [{ input: 'in', path: '/f', mode: '100644', id }];
      const outcome = await runner.run(
        task('', { entries, command: ['cp', '/pfs/in/f', '/pfs/out/f'] }),
      );
      assert.equal(outcome.state, 'success');
    }
    const ms = (performance.now() - start) / count;
    t.diagnostic(`${ms.toFixed(2)} ms per datum`);
    assert.ok(ms < 200);
    assert.equal(lstatSync(directory).mode & 0o777, 0o700);
  });
});
