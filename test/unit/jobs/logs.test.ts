import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EngineError, isEngineError } from '../../../engine/base/errors.ts';
import type { LogRecord } from '../../../engine/jobs/log-record.ts';
import { JobLogs, type JobLogsOptions, type JobName } from '../../../engine/jobs/logs.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import type { PutOptions } from '../../../engine/object/object-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { scratchDirectory } from '../../support/scratch.ts';

const ID = '0190a0000000700080000000000000ab';
const JOB: JobName = { id: ID, pipeline: 'default/model' };

/** A store whose puts can be held back or made to fail. */
class HeldStore extends MemoryObjectStore {
  hold: Promise<void> | undefined;
  failures = 0;
  puts = 0;

  override async put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options?: PutOptions,
  ): Promise<void> {
    this.puts += 1;
    await this.hold;
    if (this.failures > 0) {
      this.failures -= 1;
      throw new EngineError('unavailable', 'Cannot reach the store');
    }
    await super.put(key, bytes, options);
  }
}

function setUp(options: Partial<JobLogsOptions> = {}) {
  const store = new HeldStore();
  const clock = new ManualClock();
  const logs = new JobLogs(store, { clock, ...options });
  return { store, clock, logs };
}

async function messages(records: AsyncIterable<LogRecord>): Promise<string[]> {
  const found: string[] = [];
  for await (const { message } of records) {
    found.push(message);
  }
  return found;
}

async function keys(store: MemoryObjectStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list('')) {
    found.push(key);
  }
  return found;
}

/** Runs what is ready until `isDone`, without letting time pass. */
async function until(isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !isDone(); turn++) {
    await setImmediate();
  }
  assert.ok(isDone(), 'it should have happened by now');
}

function follow(logs: JobLogs, options: { tail?: number; datum?: string } = {}) {
  const end = new AbortController();
  const lines: string[] = [];
  const done = (async () => {
    for await (const { message } of logs.follow({ job: ID, signal: end.signal, ...options })) {
      lines.push(message);
    }
  })();
  return { lines, done, end };
}

it('lines are read back with their time, pipeline and datum, stored or not', async () => {
  const { logs, clock, store } = setUp();
  const log = logs.open(JOB, 'd1');
  void log.write(Buffer.from('one\ntw'));
  void log.write(Buffer.from('o\nthree'));
  void log.end();
  const expected = ['one', 'two', 'three'];
  assert.deepEqual(await messages(logs.read({ job: ID })), expected);
  await logs.flush(JOB);
  assert.deepEqual(await messages(logs.read({ job: ID })), expected);
  const other = new JobLogs(store, { clock });
  for await (const record of other.read({ job: ID })) {
    assert.deepEqual(record, {
      time: clock.now(),
      pipeline: 'default/model',
      datum: 'd1',
      message: 'one',
    });
    break;
  }
});

it('a job without a log has no lines', async () => {
  const { logs } = setUp();
  assert.deepEqual(await messages(logs.read({ job: ID })), []);
  await logs.flush(JOB);
});

it('a segment is stored when it is full, and when its first line is old', async () => {
  const { logs, store, clock } = setUp({ segmentBytes: 1000, flushMs: 2000 });
  const log = logs.open(JOB, 'd');
  void log.write(Buffer.from('a\n'));
  await setImmediate();
  assert.deepEqual(await keys(store), []);
  await clock.pass(2000);
  await until(() => store.puts === 1);
  for (let i = 0; i < 30; i++) {
    void log.write(Buffer.from(`${'x'.repeat(50)}\n`));
  }
  await until(() => store.puts === 2);
  await logs.flush(JOB);
  assert.equal((await messages(logs.read({ job: ID }))).length, 31);
  assert.equal((await keys(store)).length, 6);
});

it('lines are picked by pipeline, datum and tail', async () => {
  const { logs } = setUp({ segmentBytes: 300 });
  for (let i = 0; i < 20; i++) {
    void logs.open(JOB, `d${i % 2}`).write(Buffer.from(`model ${i}\n`));
    void logs.open({ id: ID, pipeline: 'default/other' }, 'd0').write(Buffer.from(`other ${i}\n`));
  }
  await logs.flush(JOB);
  const read = (options: object) => messages(logs.read({ job: ID, ...options }));
  assert.equal((await read({})).length, 40);
  assert.deepEqual(await read({ pipelines: new Set(['default/model']), tail: 3 }), [
    'model 17',
    'model 18',
    'model 19',
  ]);
  assert.deepEqual(await read({ pipelines: new Set(['default/model']), datum: 'd1', tail: 2 }), [
    'model 17',
    'model 19',
  ]);
  assert.deepEqual(await read({ pipelines: new Set(['default/other']), datum: 'd1' }), []);
  assert.deepEqual(await read({ tail: 0 }), []);
});

it('a tail reads only the last segments', async () => {
  const { logs, store } = setUp({ segmentBytes: 150 });
  const log = logs.open(JOB, 'd');
  for (let i = 0; i < 50; i++) {
    void log.write(Buffer.from(`${i}\n`));
  }
  await logs.flush(JOB);
  let gets = 0;
  const get = store.get.bind(store);
  store.get = async (key, options) => {
    gets += 1;
    return get(key, options);
  };
  assert.deepEqual(await messages(logs.read({ job: ID, tail: 3 })), ['47', '48', '49']);
  assert.ok(gets <= 3, `${gets} segments read`);
});

it('engines that have a job one after the other, or both, never overwrite a segment', async () => {
  const { logs, store, clock } = setUp();
  const second = new JobLogs(store, { clock });
  void logs.open(JOB, 'd').write(Buffer.from('first\n'));
  await logs.flush(JOB);
  void second.open(JOB, 'd').write(Buffer.from('second\n'));
  void logs.open(JOB, 'd').write(Buffer.from('late\n'));
  await Promise.all([logs.flush(JOB), second.flush(JOB)]);
  assert.equal((await keys(store)).length, 3);
  const all = await messages(logs.read({ job: ID }));
  assert.deepEqual([all[0], ...all.slice(1).sort()], ['first', 'late', 'second']);
});

it('a follower gets what was there, then each line as it comes, and all of them once', async () => {
  const { logs, clock, store } = setUp({ segmentBytes: 400 });
  const log = logs.open(JOB, 'd');
  void log.write(Buffer.from('0\n1\n2\n'));
  const follower = follow(logs);
  const late: ReturnType<typeof follow>[] = [];
  for (let i = 3; i < 100; i++) {
    void log.write(Buffer.from(`${i}\n`));
    if (i % 10 === 0) {
      await setImmediate();
      late.push(follow(logs));
    }
    if (i % 25 === 0) {
      await clock.pass(2000);
    }
  }
  const expected = Array.from({ length: 100 }, (_, i) => `${i}`);
  await until(() => follower.lines.length === 100);
  await logs.flush(JOB);
  for (const { end, done, lines } of [follower, ...late]) {
    end.abort();
    await done;
    assert.deepEqual(lines, expected);
  }
  assert.ok((await keys(store)).length > 4);
});

it('a follower is told at once, without time passing', async () => {
  const { logs } = setUp();
  const follower = follow(logs);
  await setImmediate();
  void logs.open(JOB, 'd').write(Buffer.from('now\n'));
  await until(() => follower.lines.length === 1);
  follower.end.abort();
  await follower.done;
});

it('a follower with a tail starts there', async () => {
  const { logs } = setUp();
  const log = logs.open(JOB, 'd');
  void log.write(Buffer.from('1\n2\n3\n'));
  const follower = follow(logs, { tail: 1 });
  await until(() => follower.lines.length === 1);
  void log.write(Buffer.from('4\n'));
  follower.end.abort();
  await follower.done;
  assert.deepEqual(follower.lines, ['3', '4']);
});

it('while the store is slow whoever logs waits, and no line is lost', async () => {
  const { logs, store } = setUp({ segmentBytes: 500, bufferBytes: 2000 });
  let release = () => {};
  store.hold = new Promise((resolve) => {
    release = resolve;
  });
  const log = logs.open(JOB, 'd');
  let wait: Promise<void> | undefined;
  let count = 0;
  while (!wait && count < 1000) {
    wait = log.write(Buffer.from(`${count++}\n`));
  }
  assert.ok(count < 30);
  let isOver = false;
  const over = wait?.then(() => {
    isOver = true;
  });
  await setImmediate();
  assert.equal(isOver, false);
  release();
  await over;
  await logs.flush(JOB);
  assert.equal((await messages(logs.read({ job: ID }))).length, count);
});

it('a store that stays stuck does not hold user code: lines are counted, and the count is told', async () => {
  const { logs, store, clock } = setUp({ segmentBytes: 500, bufferBytes: 2000, maxWaitMs: 5000 });
  let release = () => {};
  store.hold = new Promise((resolve) => {
    release = resolve;
  });
  const log = logs.open(JOB, 'd');
  let wait: Promise<void> | undefined;
  let kept = 0;
  while (!wait) {
    wait = log.write(Buffer.from(`${kept++}\n`));
  }
  await clock.pass(5000);
  await wait;
  for (let i = 0; i < 1000; i++) {
    assert.equal(log.write(Buffer.from('lost\n')), undefined);
  }
  release();
  await logs.flush(JOB);
  void log.write(Buffer.from('after\n'));
  await logs.flush(JOB);
  const all = await messages(logs.read({ job: ID }));
  assert.equal(all.length, kept + 2);
  assert.match(all.at(-2) ?? '', /1000 lines are missing here/);
  assert.equal(all.at(-1), 'after');
});

it('a segment that the store refuses is tried until it is stored', async () => {
  const { logs, store, clock } = setUp();
  store.failures = 3;
  void logs.open(JOB, 'd').write(Buffer.from('stubborn\n'));
  await clock.pass(2000);
  for (let put = 1; put <= 3; put++) {
    await until(() => store.puts === put && clock.sleeping === 1);
    await clock.pass(30_000);
  }
  await until(() => store.puts === 4);
  await logs.flush(JOB);
  assert.deepEqual(await messages(new JobLogs(store, { clock }).read({ job: ID })), ['stubborn']);
});

it('flush gives up on a store that keeps failing, and the lines are stored later', async () => {
  const { logs, store, clock } = setUp();
  store.failures = 5;
  void logs.open(JOB, 'd').write(Buffer.from('late\n'));
  const flushing = logs.flush(JOB);
  const failed = assert.rejects(flushing, (error) => isEngineError(error, 'unavailable'));
  for (let put = 1; put < 5; put++) {
    await until(() => store.puts === put && clock.sleeping === 1);
    await clock.pass(30_000);
  }
  await failed;
  await logs.flush(JOB);
  assert.deepEqual(await messages(new JobLogs(store, { clock }).read({ job: ID })), ['late']);
});

it('what one datum prints is capped, with a notice', async () => {
  const { logs } = setUp({ maxDatumBytes: 2048 });
  const log = logs.open(JOB, 'd');
  for (let i = 0; i < 100; i++) {
    void log.write(Buffer.from(`${'x'.repeat(100)}\n`));
  }
  const all = await messages(logs.read({ job: ID }));
  assert.equal(all.length, 21);
  assert.match(all.at(-1) ?? '', /more than 2 KiB; the rest is not kept/);
});

it('close stores the lines of all jobs', async () => {
  const { logs, store, clock } = setUp();
  const other = ID.replace('ab', 'cd');
  void logs.open(JOB, 'd').write(Buffer.from('one\n'));
  void logs.open({ ...JOB, id: other }, 'd').write(Buffer.from('two\n'));
  await logs.close();
  const later = new JobLogs(store, { clock });
  assert.deepEqual(await messages(later.read({ job: ID })), ['one']);
  assert.deepEqual(await messages(later.read({ job: other })), ['two']);
});

it('memory stays bounded however much is printed, followed and read', (t) => {
  const script = fileURLToPath(new URL('../../support/log-process.ts', import.meta.url));
  const args = ['--max-old-space-size=150', '--import', 'tsx', script, scratchDirectory(t), '300'];
  const said = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  console.log(`300 MiB of lines: ${said.grownMiB} MiB more of memory`);
  const lines = 300 * 1024;
  assert.deepEqual([said.followed, said.all, said.tail, said.none], [lines, lines, lines, 0]);
  assert.ok(said.grownMiB < 250, `grew by ${said.grownMiB} MiB`);
});

it('lines are found by time, text and datums', async () => {
  const { logs, clock } = setUp();
  const log = (datum: string) => logs.open(JOB, datum);
  const start = clock.now();
  void log('d1').write(Buffer.from('one apple\n'));
  await clock.pass(1000);
  void log('d2').write(Buffer.from('two apples\n'));
  await clock.pass(5000);
  void log('d1').write(Buffer.from('three pears\n'));
  const read = async (options: object) => await messages(logs.read({ job: ID, ...options }));
  assert.deepEqual(await read({ text: 'apple' }), ['one apple', 'two apples']);
  assert.deepEqual(await read({ text: 'apple', tail: 1 }), ['two apples']);
  assert.deepEqual(await read({ since: start + 1000 }), ['two apples', 'three pears']);
  assert.deepEqual(await read({ since: start + 1, until: start + 1000 }), ['two apples']);
  const datums = { has: (id: string) => id === 'd1' };
  assert.deepEqual(await read({ datums }), ['one apple', 'three pears']);
  assert.equal(await logs.count({ job: ID, datums, most: 5 }), 2);
  assert.equal(await logs.count({ job: ID, most: 2 }), 2);
});
