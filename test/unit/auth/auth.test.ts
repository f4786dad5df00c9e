// Users, tokens and roles: what they come to in the state, and what changes need.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { mayRead, roleOn } from '../../../engine/auth/rights.ts';
import { createToken, findToken, revokeToken } from '../../../engine/auth/tokens.ts';
import {
  createUser,
  deleteUser,
  grantRole,
  revokeRole,
  setAdmin,
} from '../../../engine/auth/users.ts';
import { isEngineError } from '../../../engine/base/errors.ts';
import { SystemRandom } from '../../../engine/base/random.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { createProject } from '../../../engine/pfs/projects.ts';
import { createRepo, deleteRepo } from '../../../engine/pfs/repos.ts';
import { undeleteRepo } from '../../../engine/pfs/undelete.ts';
import { account } from '../../support/accounts.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { openTestPfs } from '../../support/pfs.ts';

const LOCAL = { actor: 'local' };
const DAY = 24 * 60 * 60 * 1000;

async function open() {
  const store = new MemoryObjectStore();
  const clock = new ManualClock();
  const { context } = await openTestPfs({ store, clock });
  const { state } = context.journal;
  const asker = (name: string) => ({ actor: name, user: state.users.get(name)?.id ?? 'gone' });
  return { store, clock, context, state, asker };
}

function denied(error: unknown): boolean {
  return isEngineError(error, 'permission_denied');
}

it('names that could be taken for something else are refused', async () => {
  const { context } = await open();
  for (const name of ['local', 'engine', 'pfs', '', 'Ann', 'a b', 'a/b', 'pipeline:x', '-a', 'ä']) {
    await assert.rejects(createUser(context, { name, robot: false }, LOCAL), /Cannot create user/);
  }
  await createUser(context, { name: 'ann@example.org', robot: false }, LOCAL);
  await assert.rejects(
    createUser(context, { name: 'ann@example.org', robot: true }, LOCAL),
    /there is one of that name already/,
  );
});

it('a token is good until it expires or is revoked, and nowhere in the store', async () => {
  const { store, clock, context, state, asker } = await open();
  const { secret, id } = await account(context, 'ann', { lifetimeMs: DAY });
  const other = await account(context, 'bob');
  const look = (token: string) => {
    const shown = findToken(state, token, clock.now());
    return 'user' in shown ? shown.user.name : shown.refused;
  };
  assert.equal(look(secret), 'ann');
  assert.equal(look(`${secret}x`), 'unknown');
  assert.equal(look(''), 'unknown');
  await clock.pass(DAY);
  assert.equal(look(secret), 'expired');
  assert.equal(look(other.secret), 'bob');
  await revokeToken(context, other.id, LOCAL);
  assert.equal(look(other.secret), 'revoked');
  await assert.rejects(revokeToken(context, id, asker('bob')), /there is none of that id/);
  for await (const { key } of store.list('')) {
    const text = (await store.get(key)).toString('latin1');
    assert.ok(!text.includes(secret.slice(4)) && !text.includes(other.secret.slice(4)), key);
  }
  await clock.pass(31 * DAY);
  const random = new SystemRandom();
  await createToken(context, { user: 'bob', name: '' }, { random, request: LOCAL });
  assert.equal(state.tokens.get(other.id), undefined);
});

it('a user made again under the name of one who was deleted has nothing of theirs', async () => {
  const { context, state, asker } = await open();
  await createRepo(context, { key: 'default/data', description: '' }, LOCAL);
  const { secret } = await account(context, 'ann', { roles: { 'repo/default/data': 'owner' } });
  const before = asker('ann');
  assert.equal(roleOn(state, before, 'repo/default/data'), 'owner');
  await deleteUser(context, 'ann', LOCAL);
  assert.equal(roleOn(state, before, 'repo/default/data'), undefined);
  await createUser(context, { name: 'ann', robot: false }, LOCAL);
  assert.equal(roleOn(state, asker('ann'), 'repo/default/data'), undefined);
  assert.equal(roleOn(state, before, 'repo/default/data'), undefined);
  assert.deepEqual(findToken(state, secret, 0), { refused: 'unknown' });
});

it('of two admins who take that from each other at once, one stays', async () => {
  const { context, state, asker } = await open();
  await account(context, 'ann', { admin: true });
  await account(context, 'bob', { admin: true });
  const [ann, bob] = [asker('ann'), asker('bob')];
  const both = await Promise.allSettled([
    setAdmin(context, { name: 'bob', admin: false }, ann),
    setAdmin(context, { name: 'ann', admin: false }, bob),
  ]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.deepEqual([...state.users.values()].filter(({ admin }) => admin).length, 1);
  const first = { name: 'carl', robot: false };
  const once = await Promise.allSettled([
    createUser(context, first, LOCAL),
    createUser(context, first, LOCAL),
  ]);
  assert.deepEqual(once.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
});

it('who is an admin no longer, or was deleted, changes no accounts', async () => {
  const { context, asker } = await open();
  await account(context, 'ann', { admin: true });
  const ann = asker('ann');
  const random = new SystemRandom();
  // All are asked for at once, and decided after what is ahead of them.
  const demoted = setAdmin(context, { name: 'ann', admin: false }, LOCAL);
  await assert.rejects(createUser(context, { name: 'bob', robot: false }, ann), denied);
  await assert.rejects(setAdmin(context, { name: 'ann', admin: true }, ann), denied);
  await assert.rejects(deleteUser(context, 'ann', ann), denied);
  await demoted;
  const own = { user: 'ann', name: '' };
  const { token } = await createToken(context, own, { random, request: ann });
  await deleteUser(context, 'ann', LOCAL);
  await createUser(context, { name: 'ann', robot: false }, LOCAL);
  await assert.rejects(createToken(context, own, { random, request: ann }), denied);
  const other = await createToken(context, own, { random, request: asker('ann') });
  await assert.rejects(revokeToken(context, other.token.id, ann), /there is none of that id/);
  await assert.rejects(revokeToken(context, token.id, LOCAL), /there is none of that id/);
});

it('a role on a repo goes with that repo, not with its name, and comes back with it', async () => {
  const { context, state, asker } = await open();
  const key = 'default/data';
  await createRepo(context, { key, description: '' }, LOCAL);
  await account(context, 'ann', { roles: { [`repo/${key}`]: 'writer' } });
  await account(context, 'bob');
  await deleteRepo(context, { key, force: false }, LOCAL);
  assert.equal(mayRead(state, asker('ann'), key), false);
  await undeleteRepo(context, key, LOCAL);
  assert.equal(mayRead(state, asker('ann'), key), true);
  await deleteRepo(context, { key, force: false }, LOCAL);
  const { id: repoId } = await createRepo(context, { key, description: '' }, LOCAL);
  assert.equal(mayRead(state, asker('ann'), key), false);
  await grantRole(context, { user: 'bob', scope: `repo/${key}`, role: 'reader' }, LOCAL);
  await context.journal.transact(
    () => ({
      operations: [{ kind: 'trash.emptied', keys: [...state.trash.keys()] }],
      result: null,
    }),
    { actor: 'engine' },
  );
  // What can not come back any more is kept no longer; the one made later keeps its own.
  assert.deepEqual(
    [...state.grants.values()].map(({ user, repoId: on }) => [user, on]),
    [['bob', repoId]],
  );
});

it('who makes a repo owns it; a role on a project holds in all of it', async () => {
  const { context, state, asker } = await open();
  await account(context, 'ann', { roles: { 'project/team': 'writer' } });
  await account(context, 'bob');
  const [ann, bob] = [asker('ann'), asker('bob')];
  await createRepo(context, { key: 'team/data', description: '' }, ann);
  assert.equal(roleOn(state, ann, 'repo/team/data'), 'owner');
  assert.equal(roleOn(state, bob, 'repo/team/data'), undefined);
  await assert.rejects(createRepo(context, { key: 'other/x', description: '' }, ann), denied);
  await assert.rejects(createProject(context, { name: 'mine', description: '' }, ann), denied);
  const wanted = { user: 'bob', scope: 'repo/team/data', role: 'reader' } as const;
  await assert.rejects(grantRole(context, wanted, bob), denied);
  await grantRole(context, wanted, ann);
  assert.equal(mayRead(state, bob, 'team/data'), true);
  await assert.rejects(deleteRepo(context, { key: 'team/data', force: true }, bob), denied);
  await revokeRole(context, wanted, ann);
  assert.equal(mayRead(state, bob, 'team/data'), false);
  await assert.rejects(revokeRole(context, wanted, ann), /has none there/);
  await deleteRepo(context, { key: 'team/data', force: true }, ann);
});
