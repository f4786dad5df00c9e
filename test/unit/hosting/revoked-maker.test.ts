// What runs for ever, of users who lose the rights that it reads with: nothing is started any more that they may not read.

import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { deleteUser, grantRole, revokeRole } from '../../../engine/auth/users.ts';
import { account } from '../../support/accounts.ts';
import { TestEngine } from '../../support/engine.ts';
import { ACTOR } from '../../support/pfs.ts';
import { SPEC, serve, setUp, text } from './serving.ts';

const transform = { secrets: [{ name: 'login', key: 'word', env_var: 'WORD' }] };
const SECRET = 'secret/login';
const LACKS = /user ann, with whose rights it reads, may not read secret "?login"? any more/;

async function put(engine: TestEngine, word: string): Promise<void> {
  const values = new Map([['word', Buffer.from(word)]]);
  const update = engine.secrets.list().length > 0;
  await engine.secrets.put({ name: 'login', type: 'Opaque', values, update }, ACTOR);
}

/** An engine with a secret that ann may read, and `seen`, which holds what containers of `name` were given of it. */
async function start(t: TestContext, name: string, options: { readonly waits?: boolean } = {}) {
  const engine = await setUp(t, options.waits ? { room: { cpus: 1 } } : {});
  const { context } = engine.pfs;
  await put(engine, 'old');
  await account(context, 'ann', { roles: { 'project/default': 'owner', [SECRET]: 'reader' } });
  const { id: user } = context.journal.state.users.get('ann') ?? {};
  const asker = { actor: 'ann', ...(user === undefined ? {} : { user }) };
  const seen: string[] = [];
  const note = (env: Readonly<Record<string, string>>) => {
    seen.push(env.WORD ?? '');
    return env.WORD ?? '';
  };
  engine.executor.setCode(
    'web',
    serve(async (_x, run) => note(run.env)),
  );
  engine.executor.setCode('made', async (run) => {
    note(run.env);
    run.spec.onStarted?.([]);
    return await run.hang();
  });
  const spec = name === 'web' ? { ...SPEC, transform } : { name, spout: {}, transform };
  await engine.put('data', { x: '1' });
  if (options.waits) {
    await engine.pipeline({ ...SPEC, resource_requests: { cpu: 1 } });
    await engine.until(() => engine.record('web').host?.since != null);
  }
  await engine.pipeline({ ...spec, resource_requests: { cpu: 1 } }, { asker });
  const isThere = () =>
    options.waits
      ? engine.record(name).reason.startsWith('waits for room')
      : engine.record(name).host?.since != null;
  await engine.until(isThere);
  const revoke = () => revokeRole(context, { user: 'ann', scope: SECRET }, ACTOR);
  const grant = () => grantRole(context, { user: 'ann', scope: SECRET, role: 'reader' }, ACTOR);
  return { engine, seen, revoke, grant, asker, spec };
}

it('a spout is not started again with secrets that its maker may not read, and says why until he may', async (t) => {
  const { engine, seen, revoke, grant } = await start(t, 'made');
  await revoke();
  await put(engine, 'new');
  await engine.until(() => engine.record('made').state === 'failure');
  assert.match(engine.record('made').reason, LACKS);
  assert.equal(engine.executor.alive.size, 0);
  await grant();
  await engine.until(() => engine.record('made').state === 'running');
  assert.deepEqual(seen, ['old', 'new']);
  assert.equal(engine.record('made').host?.restarts, 0);
});

it('a spout that waits for room is not started with secrets that its maker may no longer read by then', async (t) => {
  const { engine, seen, revoke } = await start(t, 'made', { waits: true });
  await revoke();
  await engine.stop('web');
  await engine.until(() => engine.record('made').state === 'failure');
  assert.match(engine.record('made').reason, LACKS);
  assert.deepEqual(seen, [''], 'web, which has no secrets');
});

it('a spout of a user who was deleted starts again once somebody else updates it', async (t) => {
  const { engine, seen, spec } = await start(t, 'made');
  await deleteUser(engine.pfs.context, 'ann', ACTOR);
  await put(engine, 'new');
  await engine.until(() => engine.record('made').state === 'failure');
  assert.match(engine.record('made').reason, /user ann, .* was deleted; pfs update-pipeline/);
  await engine.pipeline(spec, { update: true });
  await engine.until(() => engine.record('made').state === 'running');
  assert.deepEqual(seen, ['old', 'new']);
});

it('a service is not given changed secrets that its maker may not read: the old container goes on', async (t) => {
  const { engine, seen, revoke } = await start(t, 'web');
  await revoke();
  await put(engine, 'new');
  await engine.until(() => engine.record('web').state === 'crashing');
  assert.match(engine.record('web').reason, LACKS);
  assert.equal(await text(engine), 'old');
  assert.deepEqual(seen, ['old']);
});

it('an engine that starts again serves nothing that the maker may not read, and says why until he may', async (t) => {
  const { engine, asker } = await start(t, 'web');
  await engine.pipeline(SPEC, { update: true, asker });
  await engine.until(() => engine.record('web').host?.version === 2);
  const scope = 'project/default';
  await revokeRole(engine.pfs.context, { user: 'ann', scope }, ACTOR);
  await engine.close();
  const next = await TestEngine.start(t, {
    store: engine.store,
    executor: engine.executor,
    self: 'engine-b',
  });
  await next.until(() => next.record('web').state === 'failure');
  assert.match(next.record('web').reason, /user ann, .* may not read repo "data" any more/);
  assert.equal(next.executor.alive.size, 0);
  await grantRole(next.pfs.context, { user: 'ann', scope, role: 'reader' }, ACTOR);
  await next.until(() => next.record('web').state === 'running');
  assert.equal(await text(next), '');
});
