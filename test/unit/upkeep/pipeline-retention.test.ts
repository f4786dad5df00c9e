import assert from 'node:assert/strict';
import { it } from 'node:test';
import { listDatums } from '../../../engine/jobs/datum-list.ts';
import { listJobs } from '../../../engine/jobs/job-lookup.ts';
import { ResultPruning } from '../../../engine/jobs/result-pruning.ts';
import { iterateResults } from '../../../engine/jobs/results.ts';
import { committedContents } from '../../../engine/jobs/session-writer.ts';
import { listCommits } from '../../../engine/pfs/commit-list.ts';
import { resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { keepCommits } from '../../../engine/pfs/repos.ts';
import { collect } from '../../../engine/upkeep/collector.ts';
import { Pace } from '../../../engine/upkeep/pace.ts';
import type { CollectReport } from '../../../engine/upkeep/report.ts';
import { TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';
import { ACTOR, readAll } from '../../support/pfs.ts';
import { checkByGit } from './git-check.ts';

async function count(engine: TestEngine, repo: string): Promise<number> {
  let commits = 0;
  for await (const _ of listCommits(engine.pfs.context, repo)) {
    commits += 1;
  }
  return commits;
}

/** Collects at once, as an engine does that runs jobs. */
function collector(engine: TestEngine): (dryRun?: boolean) => Promise<CollectReport> {
  const { context } = engine.pfs;
  const pruning = new ResultPruning(context);
  return (dryRun = false) =>
    collect(context, {
      graceMs: 0,
      dryRun,
      pace: new Pace({ clock: context.clock }),
      pruneResults: (pipeline, options) => pruning.prune(pipeline, options),
    });
}

async function hashesOf(engine: TestEngine, ref: string): Promise<string[]> {
  const { context } = engine.pfs;
  const { tree } = await resolveCommit(context, 'default/out.meta', ref);
  const hashes: string[] = [];
  for await (const { hash } of iterateResults(committedContents(context), { tree })) {
    hashes.push(hash);
  }
  return hashes;
}

it('results that only jobs had which were let go are let go with them, and those of jobs that stay are not', async (t) => {
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  await engine.repos('data');
  await engine.pipeline({ name: 'out', input: 'data' });
  const run = async (content: string) => {
    const commit = await engine.put('data@master', { '/same': 'same', '/changes': content });
    return await engine.done(`out@${commit.id}`);
  };
  for (let i = 0; i < 5; i++) {
    await run(`content ${i}`);
  }
  assert.equal((await hashesOf(engine, 'master')).length, 6);
  const upkeep = collector(engine);
  assert.equal((await upkeep()).results, 0, 'without retention all of them stay');
  await keepCommits(context, { key: 'default/out', keep: { last: 2, forMs: null } }, ACTOR);
  const dry = await upkeep(true);
  assert.deepEqual([dry.expired, dry.results], [4, 3]);
  assert.equal((await hashesOf(engine, 'master')).length, 6);
  assert.equal((await upkeep()).results, 3);
  const kept = await hashesOf(engine, 'master');
  assert.equal(kept.length, 3, 'same, content 3, content 4');
  assert.equal((await hashesOf(engine, 'master^')).length, 2, 'what came later is not there');
  assert.equal((await upkeep()).results, 0);

  for await (const job of listJobs(context, 'default/out')) {
    for await (const datum of listDatums(context, job)) {
      assert.ok(datum.result, `a datum of job ${job.id} that stays has its result`);
    }
  }
  const back = await run('content 3');
  assert.deepEqual([back.datums.skipped, back.datums.processed], [2, 0]);
  const again = await run('content 0');
  assert.deepEqual([again.datums.skipped, again.datums.processed], [1, 1]);
  assert.deepEqual(await readAll(engine.pfs, 'out@master'), { same: 'same', changes: 'content 0' });
  await checkByGit(t, engine.pfs, 'out.meta');
});

it('results stay while a job of their pipeline runs', { timeout: 60_000 }, async (t) => {
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  await engine.repos('data', 'other');
  await engine.put('other@master', { '/x': 'x' });
  const [begun, goOn] = [new Latch(), new Latch()];
  engine.executor.setCode('out', async (run) => {
    if (engine.executor.runs.length === 5) {
      begun.open();
      await goOn.opened;
    }
    return run.write('f', 'made');
  });
  await engine.pipeline({
    name: 'out',
    input: {
      cross: [{ pfs: { repo: 'data', glob: '/*' } }, { pfs: { repo: 'other', glob: '/' } }],
    },
  });
  let last = '';
  for (let i = 0; i < 5; i++) {
    const commit = await engine.put('data@master', { '/f': `content ${i}` });
    last = `out@${commit.id}`;
    await (i < 4 ? engine.done(last) : begun.opened);
  }
  await keepCommits(context, { key: 'default/out', keep: { last: 1, forMs: null } }, ACTOR);
  const upkeep = collector(engine);
  const busy = await upkeep();
  assert.ok(busy.expired > 0);
  assert.equal(busy.results, 0);
  goOn.open();
  assert.equal((await engine.done(last)).state, 'success');
  assert.equal((await upkeep()).results, 4);
});

it('outputs that are let go take their jobs and commits of results along, and what was processed is not again', async (t) => {
  const engine = await TestEngine.start(t);
  const { context } = engine.pfs;
  await engine.repos('data');
  await engine.pipeline({ name: 'out', input: 'data' });
  for (let i = 0; i < 5; i++) {
    const commit = await engine.put('data@master', { [`/f${i}`]: `${i}` });
    await engine.done(`out@${commit.id}`);
  }
  await keepCommits(context, { key: 'default/out', keep: { last: 2, forMs: null } }, ACTOR);
  await keepCommits(context, { key: 'default/data', keep: { last: 1, forMs: null } }, ACTOR);
  const upkeep = async () =>
    await collect(context, { graceMs: 0, dryRun: false, pace: new Pace({ clock: context.clock }) });
  await upkeep();
  await upkeep();
  await upkeep();
  assert.equal(await count(engine, 'default/out'), 2);
  assert.equal(await count(engine, 'default/out.meta'), 2);
  // What the outputs that stay were made from stays with them.
  assert.equal(await count(engine, 'default/data'), 2);
  const last = await engine.put('data@master', { '/last': 'last' });
  const job = await engine.done(`out@${last.id}`);
  assert.equal(job.state, 'success');
  assert.deepEqual([job.datums.skipped, job.datums.processed], [5, 1]);
  assert.equal(Object.keys(await readAll(engine.pfs, 'out@master')).length, 6);
});
