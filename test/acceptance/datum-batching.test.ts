// Commands that stay up and take one datum after the other.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Datum, Job } from '../../engine/server/wire.ts';
import { images, PipelineHome } from './pipeline-home.ts';

const FILES = Object.fromEntries(
  Array.from({ length: 12 }, (_, n) => [`f${String(n).padStart(2, '0')}`, `text ${n}\n`]),
);

describe('datum_batching', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome();
  before(async () => {
    await home.repo('data', FILES);
  });
  after(() => home.close());

  /** Datums of a pipeline's newest job, by the path of their file. */
  async function datums(pipeline: string, job: Job): Promise<Map<string, Datum>> {
    const found = (await home.raw('list-datum', `${pipeline}@${job.id}`)) as unknown as Datum[];
    return new Map(found.map((datum) => [datum.inputs[0]?.path ?? '', datum]));
  }

  it('gives one process all datums of its worker, with the same results as a process for each', async () => {
    const work =
      'sed s/text/line/ <$data >/pfs/out/$(basename $data); echo "$PFS_DATUM_ID $data" >/pfs/out/id-$(basename $data); echo "saw $(basename $data)"';
    await home.create({ name: 'each', input: 'data', sh: work });
    // The process counts what it has done, which only one that stays up can.
    const loop = `n=0; echo up; while pfs next-datum; do . "$PFS_DATUM_ENV"; n=$((n + 1)); ${work}; echo "number $n"; done; echo down`;
    await home.create({
      name: 'all',
      input: 'data',
      sh: loop,
      transform: { datum_batching: true },
    });
    const [each, all] = [await home.done('each'), await home.done('all')];
    assert.deepEqual([each.state, all.state], ['success', 'success'], all.reason);
    assert.deepEqual(all.datums, each.datums);
    assert.deepEqual(await home.list('all'), await home.list('each'));
    for (const name of Object.keys(FILES)) {
      assert.equal(await home.read(`all@master:/${name}`), await home.read(`each@master:/${name}`));
    }
    const ids = await datums('all', all);
    const log = await home.pfs('logs', `all@${all.id}`, '--datum', ids.get('/f05')?.id ?? '');
    assert.match(log, /saw f05\n.*number 6/);
    assert.doesNotMatch(log, /saw f0[46]/);
    assert.equal(await home.read('all@master:/id-f05'), `${ids.get('/f05')?.id} /pfs/data/f05\n`);
    // Of the next commit only the new datum runs, in a new process.
    await home.put('data', { g: 'text g\n' });
    const next = await home.done('all');
    assert.deepEqual([next.datums.processed, next.datums.skipped], [1, 12]);
    assert.equal(await home.read('all@master:/g'), 'line g\n');
  });

  it('one datum that fails, hangs or kills the process leaves the others as they are', async () => {
    await home.repo('mixed', {
      a: 'ok',
      b: 'error',
      c: 'ok',
      d: 'exit',
      e: 'hang',
      f: 'kill',
      g: 'ok',
    });
    const sh = `while pfs next-datum $error; do
  . "$PFS_DATUM_ENV"; error=
  echo "at $mixed" >/pfs/out/$(basename $mixed)
  case $(cat $mixed) in
    error) error='--error=b_is_bad' ;;
    exit) exit 9 ;;
    hang) sleep 1000 ;;
    kill) kill -9 $$ ;;
  esac
done`;
    await home.create({
      name: 'survivor',
      input: 'mixed',
      sh,
      transform: { datum_batching: true },
      datum_tries: 2,
      datum_timeout: '10s',
    });
    const job = await home.done('survivor');
    const found = await datums('survivor', job);
    const outcome = (path: string) => {
      const { state = '', reason = '', tries = 0 } = found.get(path) ?? {};
      return `${state}, ${tries}: ${reason}`;
    };
    assert.match(outcome('/b'), /^failed, 2: it reported: b_is_bad/);
    assert.match(outcome('/d'), /^failed, 2: exit code 9/);
    assert.match(outcome('/e'), /^failed, 2: it took longer than its time-out of 10 s/);
    assert.match(outcome('/f'), /^failed, 2: exit code 137/);
    for (const path of ['/a', '/c', '/g']) {
      assert.match(outcome(path), /^success, 1: $/);
    }
    assert.deepEqual([job.state, job.datums.processed, job.datums.failed], ['failure', 3, 4]);
  });

  it('a command that never asks fails its datum, and says what is missing', async () => {
    await home.create({
      name: 'deaf',
      input: 'mixed',
      glob: '/',
      sh: 'echo done',
      transform: { datum_batching: true },
      datum_tries: 1,
    });
    const job = await home.done('deaf');
    assert.equal(job.state, 'failure');
    assert.match(job.reason, /never asked for a datum; it must call pfs next-datum/);
  });

  it('a slow start is paid once for each worker', async () => {
    const start = 'sleep 0.4';
    const work = 'cp $data /pfs/out';
    const sh = `${start}; while pfs next-datum; do . "$PFS_DATUM_ENV"; ${work}; done`;
    await home.create(
      { name: 'slow-each', input: 'data', sh: `${start}; ${work}` },
      { name: 'slow-all', input: 'data', sh, transform: { datum_batching: true } },
    );
    const [each, all] = [await home.done('slow-each'), await home.done('slow-all')];
    assert.deepEqual([each.state, all.state], ['success', 'success']);
    const [slow, fast] = [each.stats.processMs, all.stats.processMs];
    console.log(
      `13 datums, start of 0.4 s: ${Math.round(slow)} ms of processes, ${Math.round(fast)} ms of one`,
    );
    assert.ok(slow > 13 * 400);
    assert.ok(fast < slow / 3, `${fast} ms against ${slow} ms`);
  });
});
