import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { makeRequested } from '../../../engine/jobs/changes.ts';
import {
  deleteTransaction,
  finishTransaction,
  startTransaction,
} from '../../../engine/jobs/transactions.ts';
import type { ChangeRequest } from '../../../engine/journal/requests.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { counts, TestEngine } from '../../support/engine.ts';
import { Latch } from '../../support/latch.ts';
import { ACTOR, openTestPfs, type Pfs } from '../../support/pfs.ts';
import { chosenSeed } from '../../support/seed.ts';
import {
  add,
  begin,
  both,
  crossed,
  end,
  finish,
  open,
  pipeline,
  repo,
  spec,
  start,
} from './transaction-rig.ts';

it('several repos that change in one transaction cause one job, in one commit set', async (t) => {
  const engine = await crossed(t);
  const { pfs } = engine;
  const id = await begin(pfs, start('a'), start('b'));
  assert.equal(pfs.context.journal.state.commits.has(`default/a@${id}`), false, 'only tried out');
  const { commits } = await end(pfs, id);
  assert.deepEqual(
    commits.map((commit) => [commit.repo, commit.id, commit.finished]),
    [
      ['default/a', id, null],
      ['default/b', id, null],
    ],
  );
  await engine.put('a@master', { x: '1' });
  await engine.put('b@master', { y: '2' });
  const before = (await engine.commit('sum')).depth;
  await end(pfs, await begin(pfs, finish('a'), finish('b')));
  const job = await engine.done('sum');
  const commit = await engine.commit('sum');
  assert.deepEqual([job.id, job.state, commit.depth - before], [id, 'success', 1]);
  assert.deepEqual(await engine.read('sum'), { sum: '[{"x":"1"},{"y":"2"}]' });
});

it('finishing commits of different sets together causes one job', async (t) => {
  const engine = await crossed(t);
  const { pfs } = engine;
  await makeRequested(pfs.context, start('a'), ACTOR);
  await makeRequested(pfs.context, start('b'), ACTOR);
  const before = (await engine.commit('sum')).depth;
  const id = await begin(pfs, finish('a'), finish('b'));
  await end(pfs, id);
  const job = await engine.done('sum');
  assert.deepEqual([job.id, (await engine.commit('sum')).depth - before], [id, 1]);
});

it('a transaction makes repos, a pipeline that reads them, and commits in them', async (t) => {
  const engine = await TestEngine.start(t);
  const { pfs } = engine;
  const copy = pipeline(spec('copy', { pfs: { repo: 'a', glob: '/*' } }));
  const id = await begin(pfs, repo('a'), copy, start('a'));
  await end(pfs, id);
  await engine.settled();
  await engine.put('a@master', { x: '1' });
  assert.deepEqual(await engine.read('copy'), {}, 'what is not finished is not read');
  await end(pfs, await begin(pfs, finish('a')));
  await engine.settled();
  assert.deepEqual(await engine.read('copy'), { x: '1' });
  assert.equal((await engine.commit('copy')).id, id);
});

it('a request that does not fit what the transaction holds is refused when it is added', async (t) => {
  const engine = await crossed(t);
  const { pfs } = engine;
  const id = await begin(pfs, repo('c'), start('c'));
  const refused = async (request: ChangeRequest, why: RegExp) => {
    await assert.rejects(add(pfs, id, request), why);
  };
  await refused(repo('c'), /Cannot create repo "c": it already exists/);
  await refused(start('c'), /is open there/);
  await refused(start('c', 'dev'), /makes one in each repo at most/);
  await refused(start('d'), /Cannot find repo "d"/);
  await refused(pipeline('{'), /spec\.json/);
  const update = pipeline(spec('sum', both, { description: 'new' }), true);
  await add(pfs, id, update);
  await refused(update, /does so once at most/);
  await add(pfs, id, finish('c'));
  await refused(finish('c'), /has already finished/);
  const { transactions, repos } = pfs.context.journal.state;
  assert.equal(transactions.get(id)?.requests.length, 4);
  assert.equal(repos.has('default/c'), false);
  await end(pfs, id);
  assert.deepEqual([engine.record('sum').version, open(pfs)], [2, []]);
  assert.equal((await engine.commit('c')).id, id);
});

it('a transaction that does not fit any more changes nothing, says why, and can be deleted', async (t) => {
  const engine = await crossed(t);
  const { pfs } = engine;
  const { state } = pfs.context.journal;
  const id = await begin(pfs, repo('c'), start('a'), repo('d'));
  await engine.repos('d');
  const seen = { repos: [...state.repos.keys()], commits: [...state.commits.keys()] };
  await assert.rejects(
    end(pfs, id),
    /Cannot finish transaction .*: request 3 of 3 \(create repo d\) does not fit any more: .*already exists; nothing was changed/,
  );
  await assert.rejects(add(pfs, id, repo('e')), /request 3 of 3 \(create repo d\)/);
  assert.deepEqual({ repos: [...state.repos.keys()], commits: [...state.commits.keys()] }, seen);
  assert.deepEqual(open(pfs), [id]);
  await deleteTransaction(pfs.context, id, ACTOR);
  assert.deepEqual(open(pfs), []);
  for (const late of [end(pfs, id), add(pfs, id, repo('e'))]) {
    await assert.rejects(late, /Cannot find transaction/);
  }
});

it('an update in a transaction kills the job that runs when the transaction finishes, not before', async (t) => {
  const engine = await crossed(t);
  const { pfs } = engine;
  await engine.put('b', { y: '1' });
  await engine.settled();
  const begun = new Latch();
  engine.executor.setCode('sum', (run) => {
    begun.open();
    return run.env.PFS_PIPELINE_VERSION === '1' ? run.hang() : 0;
  });
  await engine.put('a', { x: '1' });
  await begun.opened;
  const { id: first } = await engine.job('sum');
  const id = await begin(pfs, start('b'), pipeline(spec('sum', both), true));
  assert.equal((await engine.job(`sum@${first}`)).state, 'running');
  await end(pfs, id);
  const old = await engine.job(`sum@${first}`);
  assert.deepEqual(
    [old.state, old.reason],
    ['killed', 'all jobs killed because the pipeline was updated'],
  );
  const job = await engine.done('sum');
  assert.deepEqual([job.state, job.version, counts(job)], ['success', 2, '1/0/0 of 1']);
});

it('a transaction whose end is refused leaves the jobs alone that it would have stopped', async (t) => {
  const engine = await crossed(t);
  const { pfs } = engine;
  await engine.put('b', { y: '1' });
  await engine.settled();
  const begun = new Latch();
  engine.executor.setCode('sum', (run) => {
    begun.open();
    return run.hang();
  });
  await engine.put('a', { x: '1' });
  await begun.opened;
  const { id: job } = await engine.job('sum');
  const stop: ChangeRequest = { kind: 'job.stop', pipeline: 'default/sum', job };
  const id = await begin(pfs, stop, repo('c'));
  await engine.repos('c');
  await assert.rejects(end(pfs, id), /request 2 of 2/);
  assert.equal((await engine.job('sum')).state, 'running');
  await deleteTransaction(pfs.context, id, ACTOR);
  const { commits } = await end(pfs, await begin(pfs, stop));
  assert.deepEqual(commits, []);
  assert.deepEqual(
    [(await engine.job('sum')).state, (await engine.commit('sum')).error],
    ['killed', 'stopped by a user'],
  );
});

it('a transaction is carried out once, whoever finishes it, and a retry gets the same answer', async (t) => {
  const engine = await crossed(t);
  const { pfs } = engine;
  const id = await begin(pfs, start('a'), finish('a'));
  const asked = { ...ACTOR, id: 'ab'.repeat(16) };
  const first = await finishTransaction(pfs.context, id, asked);
  assert.deepEqual(await finishTransaction(pfs.context, id, asked), first);
  const other = await begin(pfs, start('b'), finish('b'));
  const outcomes = await Promise.allSettled([end(pfs, other), end(pfs, other), end(pfs, other)]);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), [
    'fulfilled',
    'rejected',
    'rejected',
  ]);
  assert.equal((await engine.commit('b')).id, other);
});

it('open transactions survive the engine, and requests added at once all stay', async (t) => {
  const store = new MemoryObjectStore();
  const first = await openTestPfs({ store });
  const { id } = await startTransaction(first.context, ACTOR);
  const names = Array.from({ length: 20 }, (_, i) => `r${i}`);
  await Promise.all(names.map((name) => add(first, id, repo(name))));
  await first.context.journal.snapshot();
  await add(first, id, start('r3'));
  await first.context.journal.close();
  const second = await openTestPfs({ store, t });
  assert.equal(second.context.journal.state.transactions.get(id)?.requests.length, 21);
  await end(second, id);
  const { repos, commits } = second.context.journal.state;
  assert.deepEqual([repos.size, commits.has(`default/r3@${id}`)], [20, true]);
});

it('does together what the same requests do one by one', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const pick = <T>(list: readonly T[]): T =>
    list[random.bytes(1)[0] ? random.bytes(1).readUInt8() % list.length : 0] as T;
  const request = (): ChangeRequest => {
    const name = pick(['a', 'b', 'c']);
    const key = `default/${name}`;
    const branch = pick(['master', 'dev']);
    const head = pick(['master', 'dev', 'master^', 'dev^']);
    return pick<ChangeRequest>([
      repo(name),
      { kind: 'repo.describe', repo: key, description: pick(['x', 'y']) },
      { kind: 'repo.delete', repo: key, force: false },
      { kind: 'branch.put', repo: key, branch },
      { kind: 'branch.put', repo: key, branch, head },
      { kind: 'branch.delete', repo: key, branch, force: pick([true, false]) },
      start(name, branch),
      finish(name, branch),
      { ...start(name, branch), parent: head } as ChangeRequest,
    ]);
  };
  for (let round = 0; round < 15; round++) {
    const [one, other] = [await openTestPfs({ t }), await openTestPfs({ t })];
    for (let steps = 0; steps < 4; steps++) {
      const id = await begin(one);
      for (let i = 0; i < 12; i++) {
        const wanted = request();
        try {
          await add(one, id, wanted);
        } catch {
          continue;
        }
        await makeRequested(other.context, wanted, ACTOR);
      }
      await end(one, id);
      assert.deepEqual(shape(one), shape(other), `round ${round}`);
    }
  }
});

/** What does not depend on ids: repos, branches, and of their heads how far they are and whether they are open. */
function shape({ context }: Pfs): unknown {
  const { repos, branches, commits } = context.journal.state;
  return {
    repos: [...repos.values()].map(({ key, description }) => [key, description]),
    branches: [...branches.values()].map(({ repo: key, name, head }) => {
      const commit = commits.get(`${key}@${head}`);
      return [key, name, commit?.depth, commit?.finished === null, commit?.branch];
    }),
  };
}

it('a transaction that an older version started goes on where it was nobody’s, and says what to do where it was a user’s', async (t) => {
  const pfs = await openTestPfs({ t });
  const { journal, ids, clock } = pfs.context;
  const begun = async (actor: string) => {
    const transaction = { id: ids.next(), actor, started: clock.now(), requests: [] };
    return await journal.transact(
      () => ({
        operations: [{ kind: 'transaction.started' as const, transaction }],
        result: transaction.id,
      }),
      { actor },
    );
  };
  const local = await begun('local');
  await add(pfs, local, repo('kept'));
  await end(pfs, local);
  assert.ok(journal.state.repos.has('default/kept'));
  const lost = await begun('ann');
  await assert.rejects(add(pfs, lost, repo('other')), /an older version started it, .* delete it/);
  await assert.rejects(end(pfs, lost), /an older version started it/);
  await deleteTransaction(pfs.context, lost, ACTOR);
});
