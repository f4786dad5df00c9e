import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { counts, TestEngine } from '../../support/engine.ts';

const MiB = 1024 * 1024;

/** Starts an engine whose pipeline has processed so many datums, in directories of a hundred. */
async function withDatums(t: TestContext, count: number): Promise<TestEngine> {
  const engine = await TestEngine.start(t);
  engine.executor.forgetful = true;
  await engine.repos('data');
  const files: Record<string, string> = {};
  for (let n = 0; n < count; n++) {
    files[`d${Math.floor(n / 100)}/f${n}`] = `${n}`;
  }
  await engine.put('data', files);
  engine.executor.setCode('count', (run) => run.write(String(run.env.data).slice(11), 'x'));
  const parallelism = { parallelism_spec: { constant: 2 } };
  await engine.pipeline({ name: 'count', input: 'data', glob: '/*/*', ...parallelism });
  return engine;
}

/** Returns the time from a commit with one new file to its output, in milliseconds. */
async function oneMore(engine: TestEngine, name: string): Promise<number> {
  const start = performance.now();
  await engine.put('data', { [`d1/${name}`]: name });
  const job = await engine.done('count');
  assert.equal(job.datums.processed, 1);
  return performance.now() - start;
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

it('ten thousand datums are done in time that grows with their number only, and in little memory', async (t) => {
  const timeOf = async (count: number): Promise<number> => {
    const start = performance.now();
    const engine = await withDatums(t, count);
    const job = await engine.done('count');
    assert.equal(counts(job), `${count}/0/0 of ${count}`);
    return (performance.now() - start) / count;
  };
  const before = process.memoryUsage().rss;
  const few = await timeOf(1000);
  const many = await timeOf(10_000);
  const grown = (process.memoryUsage().rss - before) / MiB;
  t.diagnostic(`${few.toFixed(2)} and ${many.toFixed(2)} ms a datum; ${grown.toFixed(0)} MiB more`);
  assert.ok(many < 3 * few, 'a datum costs the same among many');
  assert.ok(grown < 400);
});

it('a job with one new datum costs about the same among many unchanged ones', async (t) => {
  const small = await withDatums(t, 100);
  const large = await withDatums(t, 5000);
  await Promise.all([small.settled(), large.settled()]);
  const times: { small: number[]; large: number[] } = { small: [], large: [] };
  // In turns, so that whatever else the machine does meets both; the first ones warm up.
  for (let n = 0; n < 15; n++) {
    const [one, other] = [await oneMore(small, `more${n}`), await oneMore(large, `more${n}`)];
    if (n >= 4) {
      times.small.push(one);
      times.large.push(other);
    }
  }
  const [few, many] = [median(times.small), median(times.large)];
  t.diagnostic(`${few.toFixed(1)} ms among 100, ${many.toFixed(1)} ms among 5000`);
  assert.ok(many < 3 * few + 5);
});
