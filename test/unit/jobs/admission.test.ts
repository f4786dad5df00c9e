import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Admission, type Place } from '../../../engine/jobs/admission.ts';
import type { Lease } from '../../../engine/jobs/lease.ts';
import { type Room, sharedRoom, workerNeed } from '../../../engine/pipeline/resources.ts';
import { TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { chosenSeed } from '../../support/seed.ts';

const GiB = 2 ** 30;
const MACHINE: Room = { cpus: 4, memoryBytes: 8 * GiB, gpus: 0 };
const never = new AbortController().signal;
setMaxListeners(0, never);

interface Asked {
  settled: Promise<void>;
  place?: Place | undefined;
  lease?: Lease;
  error?: unknown;
}

function queue(capacity: Room = MACHINE) {
  const clock = new ManualClock();
  const admission = new Admission({ clock, capacity: async () => capacity });
  const order: string[] = [];
  /** Asks for room, and notes when it was given. */
  const ask = (
    pipeline: string,
    need: Partial<Room>,
    { signal = never, isEndless = false }: { signal?: AbortSignal; isEndless?: boolean } = {},
  ) => {
    const asked: Asked = { settled: Promise.resolve() };
    const whole = { cpus: 0, memoryBytes: 0, gpus: 0, ...need };
    const onWait = (place: Place | undefined) => {
      asked.place = place;
    };
    const got = admission.enter({ pipeline, isEndless, need: () => whole, onWait }, signal);
    asked.settled = got.then(
      (lease) => {
        order.push(pipeline);
        asked.lease = lease;
      },
      (error: unknown) => {
        asked.error = error;
      },
    );
    return asked;
  };
  return { clock, order, ask };
}

it('whoever finds room is let in at once, the others when room is given back', async () => {
  const { ask, order } = queue();
  const first = ask('a', { cpus: 3 });
  await setImmediate();
  const second = ask('b', { cpus: 2 });
  const third = ask('c', { memoryBytes: 9 * GiB });
  await setImmediate();
  assert.deepEqual(order, ['a']);
  assert.match(
    second.place?.reason ?? '',
    /waits for room for a worker \(2 CPUs\); free are 1 CPU, 8 GiB of memory of 4 CPUs, 8 GiB of memory, at work: a/,
  );
  assert.match(
    String(third.error),
    /needs 9 GiB of memory.*have 8 GiB of memory.*PFS_MEMORY_BYTES/,
  );
  first.lease?.release();
  first.lease?.release();
  await setImmediate();
  assert.deepEqual(order, ['a', 'b']);
  assert.equal(second.place, undefined);
});

it('nobody passes a large one that waits, and who gives up lets those behind it in', async () => {
  const { ask, order } = queue();
  ask('a', { cpus: 2 });
  await setImmediate();
  const stop = new AbortController();
  const large = ask('large', { cpus: 4 }, { signal: stop.signal });
  ask('small', { cpus: 1 });
  await setImmediate();
  assert.deepEqual(order, ['a']);
  stop.abort();
  await setImmediate();
  assert.match(String(large.error), /cancelled/);
  assert.deepEqual(order, ['a', 'small']);
});

it('who needs what endless ones leave to nobody keeps nobody else out, and comes in once they end', async () => {
  const { ask, order, clock } = queue();
  const web = ask('web', { cpus: 2 }, { isEndless: true });
  await setImmediate();
  const job = ask('a', { cpus: 1 });
  const large = ask('large', { cpus: 4 });
  await setImmediate();
  ask('small', { cpus: 1 });
  await clock.pass(1000);
  assert.deepEqual(order, ['web', 'a', 'small']);
  assert.equal(job.lease?.mayStay, true, 'whom no job can make room for takes no turn');
  assert.match(
    large.place?.reason ?? '',
    /^waits for room for a worker \(4 CPUs\); what runs for ever \(web\) leaves 2 CPUs, 8 GiB of memory of 4 CPUs, .*stop some of that, or lower resource_requests$/,
  );
  web.lease?.release();
  ask('late', { cpus: 1 });
  await clock.pass(1000);
  assert.equal(job.lease?.mayStay, false);
  assert.match(large.place?.reason ?? '', /free are 2 CPUs/);
  assert.deepEqual(order, ['web', 'a', 'small'], 'its turn is next again');
});

it('who waits for what endless ones leave to nobody gives nobody credit, and has none once they end', async () => {
  const { ask, order, clock } = queue();
  const web = ask('web', { cpus: 2 }, { isEndless: true });
  await setImmediate();
  const old = ask('old', { cpus: 2 });
  ask('stuck', { cpus: 4 });
  await clock.pass(3_600_000);
  const late = ask('late', { cpus: 2 });
  await clock.pass(1000);
  assert.equal(old.lease?.mayStay, false);
  ask('old', { cpus: 2 });
  old.lease?.release();
  await clock.pass(10_000);
  assert.deepEqual(order, ['web', 'old', 'late']);
  assert.equal(late.lease?.mayStay, false, 'it came as one that has had as much');
  late.lease?.release();
  await clock.pass(1000);
  web.lease?.release();
  await clock.pass(1000);
  assert.deepEqual(order, ['web', 'old', 'late', 'old'], 'the machine is not empty yet');
  const next = ask('next', { cpus: 2 });
  await clock.pass(1000);
  assert.equal(next.lease, undefined, 'it came after the one that now fits');
});

it('an endless one that has run for long is no late comer when it starts again', async () => {
  const { ask, order, clock } = queue();
  const web = ask('web', { cpus: 4 }, { isEndless: true });
  await clock.pass(100_000);
  const small = ask('a', { cpus: 1 });
  const rest = ask('a', { cpus: 3 });
  web.lease?.release();
  await clock.pass(1000);
  ask('web', { cpus: 2 }, { isEndless: true });
  ask('b', { cpus: 1 });
  await setImmediate();
  small.lease?.release();
  await setImmediate();
  assert.deepEqual(order, ['web', 'a', 'a'], 'what is free is kept for it');
  rest.lease?.release();
  await setImmediate();
  assert.deepEqual(order, ['web', 'a', 'a', 'web', 'b']);
});

it('who has had its turn makes room for whoever has had less, and for nobody else', async () => {
  const { ask, clock } = queue();
  const long = ask('a', { cpus: 4 });
  await setImmediate();
  assert.equal(long.lease?.mayStay, true, 'nobody waits');
  ask('a', { cpus: 4 });
  await clock.pass(1000);
  assert.equal(long.lease?.mayStay, true, 'only its own pipeline waits');
  ask('b', { cpus: 1 });
  await clock.pass(1);
  assert.equal(long.lease?.mayStay, false);
});

it('whatever the sizes and lengths, no more is given than there is, and each pipeline gets its share', async () => {
  const seed = chosenSeed();
  console.log(`PFS_SEED=${seed}`);
  let state = seed;
  const chance = () => {
    state = (state * 48271 + 11) % 2147483647;
    return state / 2147483647;
  };
  const { clock, ask } = queue();
  const needs: Record<string, Partial<Room>> = {
    tiny: { cpus: 0.25 },
    one: { cpus: 1, memoryBytes: GiB },
    hungry: { cpus: 0.5, memoryBytes: 6 * GiB },
    whole: { cpus: 4, memoryBytes: 8 * GiB },
  };
  const workers: Record<string, number> = { tiny: 20, one: 6, hungry: 2, whole: 1 };
  const used = { cpus: 0, memoryBytes: 0 };
  const had: Record<string, number> = {};
  const END = 120_000;
  const start = clock.monotonic();
  const work = async (name: string): Promise<void> => {
    let asked = ask(name, needs[name] ?? {});
    let isIn = false;
    while (clock.monotonic() - start < END) {
      await asked.settled;
      const { cpus = 0, memoryBytes = 0 } = needs[name] ?? {};
      if (!isIn) {
        isIn = true;
        used.cpus += cpus;
        used.memoryBytes += memoryBytes;
        assert.ok(used.cpus <= 4 && used.memoryBytes <= 8 * GiB, JSON.stringify(used));
      }
      const length = 10 + chance() * 400;
      await clock.sleep(length);
      had[name] = (had[name] ?? 0) + length * Math.max(cpus / 4, memoryBytes / (8 * GiB));
      if (!asked.lease?.mayStay) {
        isIn = false;
        used.cpus -= cpus;
        used.memoryBytes -= memoryBytes;
        asked.lease?.release();
        asked = ask(name, needs[name] ?? {});
      }
    }
  };
  const all = Object.entries(workers).flatMap(([name, count]) =>
    Array.from({ length: count }, () => work(name)),
  );
  void Promise.all(all);
  await clock.pass(END);
  const shares = Object.values(had);
  assert.equal(shares.length, 4);
  assert.ok(Math.max(...shares) < 1.5 * Math.min(...shares), JSON.stringify(had));
});

it('a worker needs what it requests, else its limit as far as the machine goes, else a little', () => {
  const machine = sharedRoom({}, { cpus: 2, memoryBytes: 10 * GiB });
  assert.deepEqual(machine, { cpus: 2, memoryBytes: 8 * GiB, gpus: Number.POSITIVE_INFINITY });
  assert.deepEqual(workerNeed({}, machine), { cpus: 0.25, memoryBytes: GiB / 4, gpus: 0 });
  const limits = { cpu: 64, memory: '4Gi', gpu: { number: 1 } };
  assert.deepEqual(workerNeed({ resource_limits: limits }, machine), {
    cpus: 2,
    memoryBytes: 4 * GiB,
    gpus: 1,
  });
  assert.deepEqual(
    workerNeed({ resource_limits: limits, resource_requests: { cpu: 3, memory: '1G' } }, machine),
    { cpus: 3, memoryBytes: 1e9, gpus: 1 },
  );
});

it('pipelines that ask for all CPUs take turns, those that wait say so, and all get done', async (t) => {
  const engine = await TestEngine.start(t, { room: { cpus: 2 } });
  await engine.repos('data');
  await engine.put('data', { a: '1', b: '2', c: '3' });
  const [gate, both] = [new Latch(), new Latch()];
  engine.executor.setCode('first', async () => {
    if (engine.executor.busiest >= 2) {
      both.open();
    }
    await gate.opened;
  });
  const spec = { input: 'data', parallelism_spec: { constant: 2 }, resource_requests: { cpu: 1 } };
  await engine.pipeline({ name: 'first', ...spec });
  await both.opened;
  await engine.pipeline({ name: 'second', ...spec });
  while (engine.pool.waitsFor('default/second') === '') {
    await setImmediate();
  }
  assert.match(engine.pool.waitsFor('default/second'), /1 CPU.*at work: first/);
  assert.equal(engine.pool.waitsFor('default/first'), '');
  gate.open();
  await engine.settled();
  for (const name of ['first', 'second']) {
    assert.equal((await engine.job(name)).state, 'success');
    assert.equal(engine.pool.waitsFor(`default/${name}`), '');
  }
  assert.equal(engine.executor.busiest, 2);
});

it('a pipeline that asks for more than there is says what to do, and stopping it ends that', async (t) => {
  const engine = await TestEngine.start(t, { room: { cpus: 2 } });
  await engine.repos('data');
  await engine.put('data', { a: '1' });
  await engine.pipeline({ name: 'huge', input: 'data', resource_requests: { cpu: 3 } });
  const { reason } = await engine.until(
    () => engine.record('huge').state === 'crashing' && engine.record('huge'),
  );
  assert.match(
    reason,
    /needs 3 CPUs, and pipelines have 2 CPUs.*lower resource_requests\.cpu.*PFS_CPUS/,
  );
  await engine.pipeline(
    { name: 'huge', input: 'data', resource_requests: { cpu: 2 } },
    { update: true },
  );
  assert.equal((await engine.done('huge')).state, 'success');
});
