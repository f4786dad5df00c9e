import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Commit } from '../../engine/server/wire.ts';
import type { GitInput } from '../../engine/server/wire-git-inputs.ts';
import { GitServer } from '../support/git-server.ts';
import { images, PipelineHome } from './pipeline-home.ts';

describe('Git inputs, from the command line', { skip: images.skip ?? false }, () => {
  const home = new PipelineHome();
  let server: GitServer;
  before(async () => {
    server = await GitServer.start();
  });
  after(async () => {
    await home.close();
    await server.close();
  });

  /** The subjects of the commits taken so far, the oldest first; waits until there are so many. */
  const taken = async (repo: string, count: number): Promise<readonly string[]> => {
    for (;;) {
      const all = (await home.raw('list-commit', repo)) as unknown as Commit[];
      const subjects = all.flatMap(({ description }) => description.split('\n')[0] || []).reverse();
      if (subjects.length >= count) {
        return subjects;
      }
    }
  };

  it('each commit that is pushed becomes a commit and a job, over a kill -9, and none twice', async () => {
    const url = server.create('site');
    server.push('site', { 'index.html': 'one', 'css/a.css': 'x' }, 'one');
    await home.create({
      name: 'build',
      input: { git: { url, branch: 'main', name: 'src', poll_interval: '1s' } },
      sh: 'cat /pfs/src/index.html > /pfs/out/built; ls /pfs/src/css >> /pfs/out/built',
    });
    assert.deepEqual(await taken('build_src', 1), ['one']);
    await home.pfs('wait', 'commit', 'build@master');
    assert.equal(await home.read('build@master:/built'), 'onea.css\n');
    const [pid = ''] = readFileSync(home.path('home/engine.pid'), 'utf8').split(' ');
    process.kill(Number(pid), 'SIGKILL');
    server.push('site', { 'index.html': 'two' }, 'two');
    server.push('site', { 'index.html': 'three' }, 'three');
    assert.deepEqual(await taken('build_src', 3), ['one', 'two', 'three']);
    await home.pfs('wait', 'commit', 'build@master');
    assert.equal(await home.read('build@master:/built'), 'threea.css\n');
    await home.pfs('run', 'git', 'build');
    assert.equal((await taken('build_src', 3)).length, 3);
    const commit = await home.commit('build_src');
    assert.match(
      commit.description,
      new RegExp(`Git commit ${server.git('site', 'rev-parse', 'HEAD')} of ${url}`),
    );
    await home.pfs('delete-pipeline', 'build');
    assert.equal((await home.run(['inspect-repo', 'build_src'])).code, 3);
  });

  it('a webhook has the server looked at, whatever is in it, and opens nothing else', async () => {
    const url = server.create('hooked');
    server.push('hooked', { a: '1' }, 'one');
    await home.create({
      name: 'hook',
      input: { git: { url, poll_interval: 'never' } },
      sh: 'cp /pfs/hooked/a /pfs/out/a',
    });
    assert.deepEqual(await taken('hook_hooked', 1), ['one']);
    const shown = await home.pfs('inspect-pipeline', 'hook');
    const [address = ''] = /http:\S+\/hooks\/git\/[0-9a-f]{32}/.exec(shown) ?? [];
    server.push('hooked', { a: '2' }, 'two');
    const post = async (to: string, body: string, type: string) =>
      (await fetch(to, { method: 'POST', body, headers: { 'content-type': type } })).status;
    assert.equal(await post(address, '{"ref": not JSON', 'application/json'), 202);
    assert.deepEqual(await taken('hook_hooked', 2), ['one', 'two']);
    assert.equal(await post(address, 'payload=%7B', 'application/x-www-form-urlencoded'), 202);
    assert.equal(await post(address.replace(/.$/, 'x'), '', 'text/plain'), 404);
    assert.equal((await fetch(`${address}/x`, { method: 'POST' })).status, 401);
    const api = address.replace(/\/hooks.*/, '/repos');
    assert.equal((await fetch(api)).status, 401);
    assert.equal((await taken('hook_hooked', 2)).length, 2);
  });

  it('credentials come from a secret; a server that is away or refuses is shown with the reason', async () => {
    const url = server.create('closed');
    server.push('closed', { a: '1' }, 'one');
    server.login = 'ann:tell-nobody';
    const git = { url, poll_interval: 'never' };
    await home.create({ name: 'private', input: { git }, sh: 'cp /pfs/closed/a /pfs/out/a' });
    const refused = await home.run(['run', 'git', 'private']);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /wants other credentials/);
    assert.match(await home.pfs('inspect-pipeline', 'private'), /Problem: .*401/);
    await home.run(
      ['create-secret', 'ann', '--from-literal', 'username=ann', '--from-file', 'password=-'],
      {
        input: 'tell-nobody\n',
      },
    );
    const input = { git: { ...git, secret: { name: 'ann' } } };
    await home.update({ name: 'private', input, sh: 'cp /pfs/closed/a /pfs/out/a' });
    const [status] = (await home.raw('run', 'git', 'private')) as unknown as GitInput[];
    assert.deepEqual(
      [status?.problem, status?.taken],
      ['', server.git('closed', 'rev-parse', 'HEAD')],
    );
    assert.deepEqual(await taken('private_closed', 1), ['one']);
    await server.stop();
    const away = await home.run(['run', 'git', 'private']);
    assert.match(away.stderr, /ECONNREFUSED/);
    const told = (await home.pfs('inspect-pipeline', 'private')) + away.stderr;
    assert.match(told, /Problem: .*ECONNREFUSED/);
    assert.ok(!told.includes('tell-nobody'));
  });
});
