// Inputs that follow a real Git server: stock git http-backend.

import assert from 'node:assert/strict';
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { fillerOf } from '../../../engine/auth/rights.ts';
import { grantRole, revokeRole } from '../../../engine/auth/users.ts';
import type { EngineError } from '../../../engine/base/errors.ts';
import { deletePipeline } from '../../../engine/jobs/pipelines.ts';
import type { CommitRecord } from '../../../engine/journal/records.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { listCommits } from '../../../engine/pfs/commit-list.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { account } from '../../support/accounts.ts';
import { TestEngine, type TestEngineOptions } from '../../support/engine.ts';
import { GitServer } from '../../support/git-server.ts';
import { ACTOR } from '../../support/pfs.ts';

type Test = Parameters<typeof TestEngine.start>[0];

async function rig(t: Test, options: TestEngineOptions = {}) {
  const server = await GitServer.start();
  t.after(() => server.close());
  const url = server.create('site');
  const engine = await TestEngine.start(t, options);
  const follow = (more: object = {}, update = false) =>
    engine.pipeline({ name: 'p', input: { git: { url, ...more } } }, { update });
  const look = (of = engine) => of.gits.look('default/p');
  return { server, url, engine, follow, look };
}

/** The commits of the input's repo, the oldest first. */
async function commits(engine: TestEngine, repo = 'p_site'): Promise<CommitRecord[]> {
  const found: CommitRecord[] = [];
  const list = listCommits(engine.pfs.context, `default/${repo}`);
  for await (const commit of list) {
    // The first is the empty one of a branch that is read before anything is on it.
    found.unshift(...(commit.description === '' ? [] : [commit]));
  }
  return found;
}

const subjects = (all: readonly CommitRecord[]) =>
  all.map(({ description }) => description.split('\n')[0]);

it('each commit of the server is one commit, with its files in one datum and its job', async (t) => {
  const { server, engine, follow, look } = await rig(t);
  const first = server.push('site', { a: '1', 'd/b': '2' }, 'first');
  await follow();
  await look();
  await engine.settled();
  assert.deepEqual(await engine.read('p@master'), { a: '1', 'd/b': '2' });
  for (const [path, text, message] of [
    ['a', '2', 'second'],
    ['c', '3', 'third'],
    ['a', '4', 'fourth'],
  ]) {
    writeFileSync(join(server.tree('site'), path ?? ''), text ?? '');
    server.commit('site', message);
  }
  server.git('site', 'push', '--quiet', 'origin', 'HEAD');
  await look();
  await engine.settled();
  const all = await commits(engine);
  assert.deepEqual(subjects(all), ['first', 'second', 'third', 'fourth']);
  assert.match(
    all[0]?.description ?? '',
    new RegExp(`Git commit ${first} of http.*, by Ann at 20`),
  );
  assert.deepEqual(await engine.read('p@master'), { a: '4', 'd/b': '2', c: '3' });
  assert.deepEqual(await engine.read('p_site@master^^'), { a: '2', 'd/b': '2' });
  assert.equal(engine.record('p').jobs.success, 5, 'a job for each, and one before the first');
  const before = server.requests.length;
  await look();
  assert.ok(
    server.requests
      .slice(before)
      .every((one) => !one.startsWith('POST') || one.includes('upload-pack')),
  );
  assert.equal((await commits(engine)).length, 4, 'nothing new is nothing');
});

it('nothing is taken twice or lost by two engines that look at once, again and again', async (t) => {
  const store = new MemoryObjectStore();
  const { server, engine, follow, look } = await rig(t, { store });
  const other = await TestEngine.start(t, { store, self: 'engine-b', idle: true });
  server.push('site', { a: '0' }, '0');
  await follow();
  await Promise.all([look(), look(other)]);
  for (let round = 1; round <= 4; round++) {
    writeFileSync(join(server.tree('site'), 'a'), String(round));
    server.commit('site', `${round}`);
    server.push('site', { a: `${round}.5` }, `${round}.5`);
    await Promise.all([look(), look(other)]);
  }
  await look();
  assert.deepEqual(subjects(await commits(engine)), [
    '0',
    '1',
    '1.5',
    '2',
    '2.5',
    '3',
    '3.5',
    '4',
    '4.5',
  ]);
});

it('an engine that begins anew goes on where the last one stood', async (t) => {
  const store = new MemoryObjectStore();
  const { server, engine, follow, look } = await rig(t, { store });
  server.push('site', { a: '0' }, '0');
  await follow();
  await look();
  await engine.close();
  server.push('site', { a: '1' }, '1');
  server.push('site', { a: '2' }, '2');
  const next = await TestEngine.start(t, { store, self: 'engine-b' });
  await look(next);
  await look(next);
  assert.deepEqual(subjects(await commits(next)), ['0', '1', '2']);
});

it('a branch that was moved by force is taken as it is now, and the commit says so', async (t) => {
  const { server, engine, follow, look } = await rig(t);
  server.push('site', { a: '1' }, 'first');
  const kept = server.git('site', 'rev-parse', 'HEAD');
  server.push('site', { a: '2', b: '2' }, 'second');
  await follow();
  await look();
  server.git('site', 'reset', '--quiet', '--hard', kept);
  server.push('site', { a: '3' }, 'another second');
  await look();
  const all = await commits(engine);
  assert.deepEqual(subjects(all), ['second', 'another second']);
  assert.match(all[1]?.description ?? '', /does not go on from the commit before/);
  assert.deepEqual(await engine.read('p_site@master'), { a: '3' });
  server.git('site', 'push', '--quiet', '--force', 'origin', `${kept}:main`);
  await look();
  assert.deepEqual(await engine.read('p_site@master'), { a: '1' }, 'back in time, too');
});

it('a branch that is deleted, or is not there yet, is waited for with the reason', async (t) => {
  const { server, engine, follow, look } = await rig(t);
  server.push('site', { a: '1' });
  await follow({ branch: 'release/1' });
  await assert.rejects(look(), { code: 'not_found', message: /no branch "release\/1"/ });
  assert.match(engine.gits.status('default/p', 'site').problem, /no branch/);
  server.git('site', 'checkout', '--quiet', '-b', 'release/1');
  server.push('site', { a: '2' });
  await look();
  assert.equal(engine.gits.status('default/p', 'site').problem, '');
  server.git('site', 'push', '--quiet', 'origin', ':release/1');
  await assert.rejects(look(), { code: 'not_found' });
  assert.deepEqual(await engine.read('p_site@master'), { a: '2' }, 'what was taken stays');
});

it('a server that is away is tried again, ever more slowly, and the reason shown', async (t) => {
  const { server, engine, follow, look } = await rig(t);
  server.push('site', { a: '1' });
  await server.stop();
  await follow();
  await assert.rejects(look(), { code: 'unavailable', message: /ECONNREFUSED/ });
  await assert.rejects(look(), { code: 'unavailable' });
  const { problem, looked } = engine.gits.status('default/p', 'site');
  assert.match(problem, /Cannot read http:.*ECONNREFUSED/);
  assert.ok(looked);
});

it('credentials come from a secret, and are in no message', async (t) => {
  const { server, url, engine, look } = await rig(t);
  server.push('site', { a: '1' });
  server.login = 'ann:correct-horse';
  const values = (password: string) =>
    new Map([
      ['username', Buffer.from('ann')],
      ['password', Buffer.from(password)],
    ]);
  const secret = { name: 'git', type: 'Opaque', update: false };
  await engine.secrets.put({ ...secret, values: values('wrong-battery') }, ACTOR);
  await engine.pipeline({ name: 'p', input: { git: { url, secret: { name: 'git' } } } });
  await assert.rejects(look(), (error: Error) => {
    assert.match(error.message, /wants other credentials.*name a secret/);
    assert.ok(!error.message.includes('wrong-battery'));
    return true;
  });
  await engine.secrets.put({ ...secret, values: values('correct-horse'), update: true }, ACTOR);
  await look();
  assert.deepEqual(await engine.read('p_site@master'), { a: '1' });
});

it('a secret that the maker may not read any more is not used', async (t) => {
  const { server, url, engine, look } = await rig(t);
  const { context } = engine.pfs;
  server.push('site', { a: '1' });
  server.login = 'ann:correct-horse';
  const values = new Map([
    ['username', Buffer.from('ann')],
    ['password', Buffer.from('correct-horse')],
  ]);
  await engine.secrets.put({ name: 'git', type: 'Opaque', update: false, values }, ACTOR);
  const scope = 'secret/git';
  await account(context, 'ann', { roles: { 'project/default': 'owner', [scope]: 'reader' } });
  const { id = '' } = context.journal.state.users.get('ann') ?? {};
  await engine.pipeline(
    { name: 'p', input: { git: { url, secret: { name: 'git' } } } },
    { asker: { actor: 'ann', user: id } },
  );
  await revokeRole(context, { user: 'ann', scope }, ACTOR);
  const { code } = await look().then(
    () => ({ code: 'none' }),
    (error: EngineError) => error,
  );
  assert.equal(code, 'permission_denied');
  assert.deepEqual(await commits(engine), []);
  await grantRole(context, { user: 'ann', scope, role: 'reader' }, ACTOR);
  await look();
  assert.deepEqual(await engine.read('p_site@master'), { a: '1' });
});

it('modes, links, submodules and LFS pointers have their outcome, and the commit tells what is missing', async (t) => {
  const { server, engine, follow, look } = await rig(t);
  const tree = server.tree('site');
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
  writeFileSync(join(tree, 'run.sh'), '#!/bin/sh\n');
  chmodSync(join(tree, 'run.sh'), 0o755);
  writeFileSync(join(tree, 'big.bin'), pointer);
  symlinkSync('run.sh', join(tree, 'inside'));
  symlinkSync('/etc/passwd', join(tree, 'outside'));
  symlinkSync('../up', join(tree, 'above'));
  symlinkSync('nowhere', join(tree, 'dangling'));
  writeFileSync(join(tree, '.gitmodules'), '[submodule "vendor/library"]\n');
  writeFileSync(join(tree, 'large.txt'), 'x'.repeat(3_000_000));
  server.git('site', 'add', '--all');
  server.git(
    'site',
    'update-index',
    '--add',
    '--cacheinfo',
    `160000,${'b'.repeat(40)},vendor/library`,
  );
  server.git('site', 'commit', '--quiet', '-m', 'everything');
  server.git('site', 'push', '--quiet', 'origin', 'HEAD');
  await follow();
  await look();
  const files = await engine.read('p_site@master');
  assert.deepEqual(Object.keys(files).sort(), [
    '.gitmodules',
    'big.bin',
    'inside',
    'large.txt',
    'run.sh',
  ]);
  assert.deepEqual([files['big.bin'], files.inside], [pointer, '#!/bin/sh\n']);
  assert.equal(files['large.txt']?.length, 3_000_000);
  const [commit] = await commits(engine);
  const told = commit?.description ?? '';
  assert.match(told, /left out, submodules: vendor\/library/);
  assert.match(told, /lead nowhere or out of the repository: above, dangling, outside/);
  assert.match(told, /Git LFS pointers, not as what these stand for: big\.bin/);
});

it('users cannot commit to the repo or delete it, and it goes with the pipeline', async (t) => {
  const { server, engine, follow, look } = await rig(t);
  server.push('site', { a: '1' });
  await follow();
  await look();
  await assert.rejects(engine.put('p_site@master', { b: '2' }), {
    message: /come from the Git server.*push there/,
  });
  const repo = { key: 'default/p_site', force: true };
  await assert.rejects(deleteRepo(engine.pfs.context, repo, ACTOR), {
    message: /pipeline "p" writes it; delete the pipeline instead/,
  });
  const { hook } = engine.record('p').gits?.[0] ?? {};
  await follow({ poll_interval: '5m' }, true);
  assert.deepEqual([(await commits(engine)).length, engine.record('p').gits?.[0]?.hook], [1, hook]);
  await look();
  assert.equal((await commits(engine)).length, 1, 'an update goes on where it was');
  assert.equal(engine.gits.poke(hook ?? ''), true);
  assert.equal(engine.gits.poke('0'.repeat(32)), false);
  await deletePipeline(
    engine.pfs.context,
    { key: 'default/p', force: false, keepRepo: false },
    ACTOR,
  );
  const { state } = engine.pfs.context.journal;
  assert.equal(state.repos.has(repo.key), false);
  assert.equal(fillerOf(state, repo.key), undefined);
});
