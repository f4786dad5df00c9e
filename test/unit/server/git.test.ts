// The door for Git, with stock Git and git-lfs as clients.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import type { Commit } from '../../../engine/server/wire.ts';
import { GitClient } from '../../support/git-client.ts';
import { filesIn } from '../../support/git-export.ts';
import { chosenSeed } from '../../support/seed.ts';
import { TestServer, TOKEN } from '../../support/server.ts';

type Test = Parameters<typeof TestServer.start>[0];

async function start(t: Test) {
  const server = await TestServer.start(t);
  const client = new GitClient(t);
  const url = (repo: string, token = TOKEN) =>
    `http://any:${token}@127.0.0.1:${server.port}/git/default/${repo}.git`;
  const post = (path: string, body: object) => server.json<Commit>('POST', path, { body });
  await post('/repos', { project: 'default', name: 'data' });
  const put = async (to: string, files: Readonly<Record<string, string | Buffer>>) => {
    const answer = await server.put(to, files, { query: '?own=true' });
    assert.equal(answer.status, 200, answer.text);
    return JSON.parse(answer.text) as Commit;
  };
  return { server, client, url, post, put };
}

it('a clone has the branches, tags and files, large ones too, and their provenance', async (t) => {
  const { server, client, url, put } = await start(t);
  const large = randomBytes(3_000_000);
  const first = await put('data', { '/a b/ü.txt': 'one\n', '*/bin/run': '#!\n' });
  await put('data', { '/large': large, '/a b/ü.txt': 'two\n' });
  await put('data@side', { '/other': 'x' });
  await server.json('PUT', '/repos/default/data/tags/v1.0', { body: { head: first.id } });
  await client.git('', 'clone', url('data'), 'clone');
  const files = filesIn(client.path('clone'));
  assert.deepEqual([...files.keys()].sort(), ['a b/ü.txt', 'bin/run', 'large']);
  assert.ok(files.get('large')?.bytes.equals(large));
  assert.equal(files.get('bin/run')?.mode, '100755');
  assert.equal(files.get('a b/ü.txt')?.bytes.toString(), 'two\n');
  assert.equal(
    await client.line('clone', 'branch', '-r', '--list', 'origin/side'),
    '  origin/side',
  );
  assert.match(await client.git('clone', 'log', 'v1.0'), new RegExp(`Pfs-Commit: ${first.id}`));
  await client.git('clone', 'fsck', '--strict');
  assert.equal(server.faults.length, 0);
});

it('a repo without commits clones as an empty one', async (t) => {
  const { client, url, put } = await start(t);
  await client.git('', 'clone', url('data'), 'clone');
  assert.equal(await client.line('clone', 'symbolic-ref', 'HEAD'), 'refs/heads/master');
  const { git } = await put('data', { '/a': 'a' });
  await client.git('clone', 'pull');
  assert.equal(await client.line('clone', 'rev-parse', 'HEAD'), git.commit);
});

it('a fetch brings what is new and nothing else, through random histories', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`seed: PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const below = (limit: number) => Math.floor(random.fraction() * limit);
  const { client, url, post, put } = await start(t);
  const branches = ['master', 'left', 'right'];
  await put('data', { '/d0/f0': 'begin' });
  for (const branch of branches.slice(1)) {
    await put(`data@${branch}`, { [`/${branch}`]: 'begin' });
  }
  await client.git('', 'clone', '--mirror', url('data'), 'mirror');
  const reached = async () => {
    const listed = await client.line('mirror', 'rev-list', '--objects', '--all');
    return new Set(listed.split('\n').map((line) => line.slice(0, 40)));
  };
  for (let round = 0; round < 12; round++) {
    const old = await reached();
    for (let change = below(5); change >= 0; change--) {
      const branch = branches[below(3)] ?? '';
      if (below(4) === 0) {
        const merge = { source: branches[below(3)] ?? '', favour: 'ours' };
        await post(`/repos/default/data/branches/${branch}/merge`, merge);
      } else {
        await put(`data@${branch}`, { [`/d${below(4)}/f${below(4)}`]: `${random.fraction()}` });
      }
    }
    const before = await client.count('mirror');
    await client.git('mirror', 'fetch', '--quiet');
    // A directory may become again what it was long ago: that is nothing new.
    const fresh = [...(await reached())].filter((id) => !old.has(id));
    assert.equal((await client.count('mirror')) - before, fresh.length, `round ${round}`);
    await client.git('mirror', 'fsck', '--strict');
  }
});

it('a clone may be shallow, of one branch, and be deepened later', async (t) => {
  const { client, url, put } = await start(t);
  for (let i = 1; i <= 6; i++) {
    await put('data', { [`/f${i}`]: `${i}` });
  }
  await put('data@side', { '/other': 'x' });
  const history = async () => Number(await client.line('clone', 'rev-list', '--count', 'HEAD'));
  await client.git('', 'clone', '--depth', '2', url('data'), 'clone');
  assert.equal(await history(), 2);
  assert.equal(await client.line('clone', 'branch', '-r', '--list', 'origin/side'), '');
  const objects = await client.count('clone');
  await put('data', { '/f7': '7' });
  await client.git('clone', 'pull');
  assert.equal(await history(), 3);
  assert.equal((await client.count('clone')) - objects, 3, 'a commit, a tree, a file');
  await client.git('clone', 'fetch', '--deepen', '1');
  assert.equal(await history(), 4);
  await client.git('clone', 'fetch', '--depth', '1');
  assert.equal(await history(), 1);
  await client.git('clone', 'fetch', '--unshallow');
  assert.equal(await history(), 7);
  await client.git('clone', 'fsck', '--strict');
});

it('a clone may leave contents out and fetch them when they are read', async (t) => {
  const { server, client, url, put } = await start(t);
  await put('data', { '/small': 'old', '/mid': 'm'.repeat(5000) });
  await put('data', { '/small': 'new' });
  await client.git('', 'clone', '--no-checkout', '--filter=blob:none', url('data'), 'clone');
  const missing = () =>
    client.line('clone', 'rev-list', '--objects', '--all', '--missing=print', '--quiet');
  assert.equal((await missing()).split('\n').length, 4, 'three files and .gitattributes');
  assert.equal(await client.line('clone', 'show', 'HEAD^:small'), 'old');
  await client.git('clone', 'checkout', 'master');
  assert.equal(readFileSync(client.path('clone/mid'), 'utf8').length, 5000);
  await client.git('', 'clone', '--no-checkout', '--filter=blob:limit=1k', url('data'), 'few');
  const left = await client.line('few', 'rev-list', '--objects', '--all', '--missing=print');
  assert.equal(left.split('\n').filter((line) => line.startsWith('?')).length, 1);
  assert.equal(server.faults.length, 0);
});

it('a file of another repo is not to be had, whoever knows its id', async (t) => {
  const { server, client, url, post, put } = await start(t);
  await post('/repos', { project: 'default', name: 'secret' });
  const large = randomBytes(2_000_000);
  await put('secret', { '/a': 'secret', '/large': large });
  await put('data', { '/b': 'public' });
  await client.git('', 'clone', url('secret'), 'theirs');
  const id = await client.line('theirs', 'rev-parse', 'HEAD:a');
  const pointer = await client.git('theirs', 'cat-file', 'blob', 'HEAD:large');
  await client.git('', 'clone', url('data'), 'ours');
  await assert.rejects(client.git('ours', 'fetch', 'origin', id), /no branch or tag of the repo/);
  const [, oid = ''] = /sha256:(\w+)/.exec(pointer) ?? [];
  const batch = { operation: 'download', objects: [{ oid, size: large.length }] };
  const asked = await server.open('POST', '/git/default/data.git/info/lfs/objects/batch', {
    body: JSON.stringify(batch),
    headers: { 'content-type': 'application/vnd.git-lfs+json' },
  });
  let text = '';
  for await (const chunk of asked) {
    text += chunk;
  }
  assert.match(text, /no branch or tag of the repo has/);
});

it('what cannot be served is told in a sentence', async (t) => {
  const { client, url } = await start(t);
  const fails = (...args: string[]) => client.git('', ...args);
  await assert.rejects(fails('clone', url('data', 'wrong')), /Authentication failed/);
  await assert.rejects(fails('clone', url('nothing')), /not found/);
  await assert.rejects(
    fails('-c', 'protocol.version=0', 'clone', url('data')),
    /Only protocol version 2 is spoken here/,
  );
});

it('a history is cut below a branch or tag that is excluded', async (t) => {
  const { server, client, url, put } = await start(t);
  const first = await put('data', { '/a': '1' });
  await put('data', { '/a': '2' });
  await put('data', { '/a': '3' });
  await server.json('PUT', '/repos/default/data/tags/old', { body: { head: first.id } });
  await client.git('', 'clone', '--shallow-exclude=old', '--no-tags', url('data'), 'cut');
  assert.equal(await client.line('cut', 'rev-list', '--count', 'HEAD'), '2');
  assert.equal(await client.line('cut', 'rev-parse', '--is-shallow-repository'), 'true');
  await client.git('cut', 'fsck', '--strict');
  await client.git('cut', 'fetch', '--unshallow');
  assert.equal(await client.line('cut', 'rev-list', '--count', 'HEAD'), '3');
  const clone = (name: string) =>
    client.git('', 'clone', `--shallow-exclude=${name}`, url('data'), 'wrong');
  await assert.rejects(clone('nothing'), /"nothing" reaches: there is no such branch or tag/);
  await assert.rejects(clone('master'), /nothing is left/);
  assert.equal(server.faults.length, 0);
});

it('a clone without directories gets them when it looks at them', async (t) => {
  const { server, client, url, put } = await start(t);
  await put('data', { '/d/e/a': '1', '/b': 'b' });
  await put('data', { '/d/e/a': '2' });
  await client.git('', 'clone', '--filter=tree:0', '--no-checkout', url('data'), 'bare');
  const missing = await client.git(
    'bare',
    'rev-list',
    '--objects',
    '--missing=print',
    '--all',
    '--filter=tree:0',
  );
  assert.equal(missing.trim().split('\n').length, 2, 'only the commits have come');
  await client.git('bare', 'checkout', 'master');
  assert.deepEqual([...filesIn(client.path('bare')).keys()].sort(), ['b', 'd/e/a']);
  assert.equal(await client.git('bare', 'show', 'HEAD~1:d/e/a'), '1');
  await client.git('bare', 'fsck');
  assert.equal(server.faults.length, 0);
  await assert.rejects(
    client.git('', 'clone', '--filter=tree:2', url('data'), 'deep'),
    /there are blob:none, blob:limit=<size> and tree:0/,
  );
});
