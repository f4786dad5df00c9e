import assert from 'node:assert/strict';
import { it } from 'node:test';
import { makeRequested } from '../../../engine/jobs/changes.ts';
import { deleteTransaction } from '../../../engine/jobs/transactions.ts';
import type { ChangeRequest } from '../../../engine/journal/requests.ts';
import { ACTOR } from '../../support/pfs.ts';
import { add, begin, crossed, end, finish, repo, start } from './transaction-rig.ts';

it('commit sets are dropped and squashed in a transaction, with all else or not at all', async (t) => {
  const engine = await crossed(t);
  const { pfs } = engine;
  const drop = (set: string): ChangeRequest => ({ kind: 'set.drop', set });
  const squash = (set: string): ChangeRequest => ({ kind: 'set.squash', set });
  const base = await engine.put('a', { x: '0' });
  const first = await engine.put('a', { x: '1' });
  const second = await engine.put('a', { y: '2' });
  const other = await engine.put('b', { z: '3' });
  await engine.settled();
  const id = await begin(pfs, squash(first.id), repo('c'));
  await assert.rejects(add(pfs, id, drop(other.id)), /removes from them; try again, by itself/);
  assert.equal((await engine.commit(`a@${first.id}`)).id, first.id, 'only tried out');
  await engine.repos('c');
  await assert.rejects(end(pfs, id), /request 2 of 2/);
  assert.equal((await engine.commit(`a@${first.id}`)).id, first.id);
  await deleteTransaction(pfs.context, id, ACTOR);
  await end(pfs, await begin(pfs, squash(first.id), repo('d')));
  await end(pfs, await begin(pfs, start('a'), drop(other.id)));
  await assert.rejects(engine.commit(`a@${first.id}`), /Cannot find/);
  await assert.rejects(engine.commit(`b@${other.id}`), /Cannot find/);
  assert.deepEqual(await engine.read('a'), { x: '1', y: '2' });
  const head = await engine.commit('a@master^');
  assert.deepEqual([head.id, head.parent], [second.id, base.id]);
});

it('merges, tags and reverts are made with all else, or nothing is', async (t) => {
  const engine = await crossed(t);
  const { pfs } = engine;
  const at = { repo: 'default/a' };
  await engine.put('a@master', { x: '1' });
  await makeRequested(
    pfs.context,
    { kind: 'branch.put', ...at, branch: 'dev', head: 'master' },
    ACTOR,
  );
  await engine.put('a@dev', { y: '1' });
  await engine.put('a@master', { z: '1' });
  await engine.settled();
  const merge: ChangeRequest = {
    kind: 'branch.merge',
    ...at,
    from: 'dev',
    into: 'master',
    fastForward: true,
    description: '',
  };
  const tag: ChangeRequest = {
    kind: 'tag.put',
    ...at,
    name: 'v1',
    head: 'master',
    description: '',
    force: false,
  };
  const before = await engine.commit('sum');
  const id = await begin(pfs, merge, tag, start('b'));
  await end(pfs, id);
  assert.equal((await engine.commit('a@v1')).id, id);
  assert.deepEqual(await engine.read('a@master'), { x: '1', y: '1', z: '1' });
  await makeRequested(
    pfs.context,
    finish('b') as Extract<ChangeRequest, { kind: 'commit.finish' }>,
    ACTOR,
  );
  await engine.settled();
  const after = await engine.commit('sum');
  assert.deepEqual([after.parent === before.id, after.depth], [false, before.depth + 2]);
  await engine.put('a@dev', { x: 'dev' });
  const late = await begin(pfs, merge, { kind: 'tag.delete', ...at, name: 'v1' });
  await engine.put('a@master', { x: 'master' });
  await assert.rejects(end(pfs, late), {
    code: 'conflict',
    message: /Cannot merge "dev" into branch "master": both sides changed "\/x"/,
  });
  assert.equal((await engine.commit('a@v1')).id, id, 'the tag is still there');
  const again = await begin(pfs, {
    kind: 'commit.revert',
    ...at,
    ref: 'dev',
    branch: 'dev',
    description: '',
  });
  await end(pfs, again);
  assert.equal((await engine.commit('a@dev')).id, again);
});

it('what a transaction finishes can be moved to, but not merged or reverted in the same one', async (t) => {
  const engine = await crossed(t);
  const { pfs } = engine;
  await engine.put('a@master', { x: '1' });
  const at = { repo: 'default/a', description: '' };
  await makeRequested(
    pfs.context,
    { kind: 'branch.put', repo: at.repo, branch: 'dev', head: 'master' },
    ACTOR,
  );
  await makeRequested(pfs.context, start('a', 'dev'), ACTOR);
  await engine.put('a@dev', { y: '1' });
  await engine.put('a@master', { z: '1' });
  const merge: ChangeRequest = {
    kind: 'branch.merge',
    ...at,
    from: 'dev',
    into: 'master',
    fastForward: true,
  };
  const revert: ChangeRequest = { kind: 'commit.revert', ...at, ref: 'dev', branch: 'master' };
  const move: ChangeRequest = { kind: 'branch.put', repo: at.repo, branch: 'new', head: 'dev' };
  const id = await begin(pfs, finish('a', 'dev'));
  await assert.rejects(add(pfs, id, merge), /Cannot merge "dev".*the same transaction finishes/);
  await assert.rejects(add(pfs, id, revert), /Cannot revert "dev".*the same transaction finishes/);
  await add(pfs, id, move);
  await end(pfs, id);
  assert.deepEqual(await engine.read('a@new'), { x: '1', y: '1' });
  await end(pfs, await begin(pfs, merge));
  assert.deepEqual(await engine.read('a@master'), { x: '1', y: '1', z: '1' });
});
