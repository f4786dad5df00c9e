// Pushes to the door for Git, with stock Git and git-lfs as clients.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import type { Commit, Job } from '../../../engine/server/wire.ts';
import { GitClient } from '../../support/git-client.ts';
import { filesIn } from '../../support/git-export.ts';
import { chosenSeed } from '../../support/seed.ts';
import { readAll, TestServer, TOKEN } from '../../support/server.ts';

type Test = Parameters<typeof TestServer.start>[0];

const SPEC = {
  headers: { 'content-type': 'text/plain' },
  body: JSON.stringify({
    pipeline: { name: 'copy' },
    input: { pfs: { repo: 'data', glob: '/*' } },
    transform: { image: 'any', cmd: ['true'] },
  }),
};

async function start(t: Test) {
  const server = await TestServer.start(t);
  const client = new GitClient(t);
  const url = `http://any:${TOKEN}@127.0.0.1:${server.port}/git/default/data.git`;
  await server.json('POST', '/repos', { body: { project: 'default', name: 'data' } });
  await client.git('', 'init', '--quiet', '--initial-branch', 'master', 'work');
  await client.git('work', 'remote', 'add', 'origin', url);
  const commit = async (files: Readonly<Record<string, string | Buffer | null>>, message = 'm') => {
    for (const [path, content] of Object.entries(files)) {
      const full = client.path(`work/${path}`);
      if (content === null) {
        rmSync(full);
      } else {
        mkdirSync(full.slice(0, full.lastIndexOf('/')), { recursive: true });
        writeFileSync(full, content);
      }
    }
    await client.git('work', 'add', '--all');
    await client.git('work', 'commit', '--quiet', '--allow-empty', '-m', message);
    return await client.line('work', 'rev-parse', 'HEAD');
  };
  const push = (...args: readonly string[]) => client.git('work', 'push', '--quiet', ...args);
  const commits = () => server.all<Commit>('/repos/default/data/commits');
  const read = async (ref: string, path: string) =>
    (await server.ask('GET', `/repos/default/data/files/${ref}/content?path=${path}`)).text;
  return { server, client, url, commit, push, commits, read };
}

/** Sends a command and a pack as no Git would; returns the report. */
async function sendPack(
  { client, server }: { readonly client: GitClient; readonly server: TestServer },
  sent: {
    readonly ref?: string;
    readonly old: string;
    readonly next: string;
    readonly objects: string;
  },
): Promise<string> {
  const { ref = 'refs/heads/master', old, next } = sent;
  const objects = await client.feed('work', sent.objects, ['pack-objects', '--stdout', '--quiet']);
  const line = `${old} ${next} ${ref}\0report-status`;
  const command = `${(line.length + 4).toString(16).padStart(4, '0')}${line}0000`;
  const response = await server.open('POST', '/git/default/data.git/git-receive-pack', {
    headers: { 'content-type': 'application/x-git-receive-pack-request' },
    body: Buffer.concat([Buffer.from(command, 'latin1'), objects]),
  });
  return (await readAll(response)).toString();
}

it('pushed commits become commits of the repo, with their history', async (t) => {
  const { server, client, url, commit, push, commits, read } = await start(t);
  const first = await commit({ 'a.txt': 'one\n', 'd/b.txt': 'b\n' }, 'first\n\nwith a body');
  await commit({ 'a.txt': 'two\n', 'd/b.txt': null });
  await push('origin', 'master');
  const [newer, older] = await commits();
  assert.equal(older?.git.commit, first);
  assert.equal(older?.description, 'first\n\nwith a body');
  assert.equal(newer?.parent, older?.id);
  assert.deepEqual([older?.files, newer?.files, newer?.size], [2, 1, 4]);
  assert.equal(await read('master', '/a.txt'), 'two\n');
  assert.equal(await read('master^', '/d/b.txt'), 'b\n');
  await server.put('data', { '/more': 'from here\n' });
  await client.git('work', 'pull', '--quiet', 'origin', 'master');
  await commit({ 'a.txt': 'three\n' });
  await push('origin', 'master');
  assert.equal(await read('master', '/a.txt'), 'three\n');
  assert.equal((await commits()).length, 4);
  await client.git('', 'clone', '--quiet', url, 'clone');
  await client.git('clone', 'fsck', '--strict');
  assert.deepEqual([...filesIn(client.path('clone')).keys()].sort(), ['a.txt', 'more']);
  assert.deepEqual(server.faults, []);
});

it('what is pushed at once causes one job, for the newest commit', async (t) => {
  const { server, commit, push } = await start(t);
  await commit({ a: '1' });
  await push('origin', 'master');
  await server.json('POST', '/pipelines', SPEC);
  const before = (await server.all<Job>('/jobs')).length;
  for (const text of ['2', '3', '4']) {
    await commit({ a: text });
  }
  await push('origin', 'master');
  const jobs = await server.all<Job>('/jobs');
  assert.equal(jobs.length, before + 1);
  const head = await server.json<Commit>('GET', '/repos/default/data/commits/master');
  assert.equal(jobs[0]?.id, head.id);
});

it('a push that may not be is refused with the reason, and changes nothing', async (t) => {
  const { server, client, commit, push, commits } = await start(t);
  const refused = (args: readonly string[], reason: RegExp) =>
    assert.rejects(push(...args), reason);
  await commit({ a: '1' });
  await push('origin', 'master');
  await server.json('POST', '/pipelines', SPEC);
  await commit({ a: '2' });
  const output = `http://any:${TOKEN}@127.0.0.1:${server.port}/git/default/copy.git`;
  await refused([output, 'master'], /pipeline "copy" writes it/);
  await refused(['origin', 'master:refs/heads/not/this'], /not\/this/);
  await refused(['origin', 'master:refs/notes/x'], /only branches and tags are kept/);
  await client.git('work', 'tag', '-a', 'v1', '-m', 'annotated');
  await refused(['origin', 'v1'], /annotated tag/);
  await server.put('data', { '/b': 'meanwhile' });
  await refused(['origin', 'master'], /fetch first|rejected/);
  await server.json('POST', '/repos/default/data/commits', { body: { branch: 'open' } });
  await refused(['origin', 'master:open'], /is open there/);
  await client.git('work', 'update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},sub`);
  await client.git('work', 'commit', '--quiet', '-m', 'a submodule');
  await refused(['origin', 'master:subs'], /mode "160000" is not supported/);
  assert.equal((await commits()).filter(({ state }) => state === 'finished').length, 2);
  assert.deepEqual(server.faults, []);
});

it('a branch is forced back, and deleted; a tag goes with its branch', async (t) => {
  const { server, client, commit, push, read } = await start(t);
  const first = await commit({ a: '1' });
  await commit({ a: '2' });
  await client.git('work', 'tag', 'v2.0');
  await push('origin', 'master', 'v2.0', 'master:side');
  await client.git('work', 'reset', '--quiet', '--hard', first);
  await assert.rejects(push('origin', 'master'), /rejected/);
  await push('--force', 'origin', 'master');
  assert.equal(await read('master', '/a'), '1');
  assert.equal(await read('v2.0', '/a'), '2');
  await push('origin', '--delete', 'side');
  assert.equal((await server.ask('GET', '/repos/default/data/branches/side')).status, 404);
});

it('large files are pushed through git-lfs, and missing ones are named', async (t) => {
  const { server, client, url, commit, push, read } = await start(t);
  const large = randomBytes(2_500_000);
  await client.git('work', 'lfs', 'track', '*.bin');
  await commit({ 'd/large.bin': large, 'small.bin': 'tiny' });
  await assert.rejects(
    push('--no-verify', 'origin', 'master'),
    /d\/large\.bin.*its content was not sent; git lfs push/s,
  );
  await push('origin', 'master');
  const stat = await server.json<{ size: number }>(
    'GET',
    '/repos/default/data/files/master/inspect?path=/d/large.bin',
  );
  assert.equal(stat.size, large.length);
  assert.equal(await read('master', '/small.bin'), 'tiny');
  const pointer = await client.git('work', 'cat-file', 'blob', 'HEAD:d/large.bin');
  const extended = pointer.replace('\noid', `\next-0-x sha256:${'1'.repeat(64)}\noid`);
  await commit({ 'extended.txt': extended });
  await assert.rejects(push('origin', 'master'), /leave its extensions out/);
  await client.git('', 'clone', '--quiet', url, 'clone');
  assert.ok(filesIn(client.path('clone')).get('d/large.bin')?.bytes.equals(large));
  assert.deepEqual(server.faults, []);
});

it('an object of another repo is not to be had by naming it in a push', async (t) => {
  const { server, client, commit, push, url } = await start(t);
  await server.json('POST', '/repos', { body: { project: 'default', name: 'secret' } });
  await server.put('secret', { '/d/a': 'secret' });
  await client.git('', 'clone', '--quiet', url.replace('data.git', 'secret.git'), 'theirs');
  const tree = await client.line('theirs', 'rev-parse', 'HEAD:d');
  await commit({ mine: 'm' });
  await push('origin', 'master');
  // Git itself would not send such a commit, so its pack is made by hand.
  const alternates = `${client.path('theirs')}/.git/objects\n`;
  mkdirSync(client.path('work/.git/objects/info'), { recursive: true });
  writeFileSync(client.path('work/.git/objects/info/alternates'), alternates);
  const head = await client.line('work', 'rev-parse', 'HEAD');
  const steal = await client.line('work', 'commit-tree', '-m', 'steals', '-p', head, tree);
  const report = await sendPack(
    { client, server },
    { old: head, next: steal, objects: `${steal}\n` },
  );
  assert.match(report, /ng refs\/heads\/master Cannot take "\/": object \w+ was not sent/);
});

it('a link or a name makes nothing of a file that may not be', async (t) => {
  const { client, commit, push, url } = await start(t);
  const link = async (target: string, name: string) => {
    const id = (await client.feed('work', target, ['hash-object', '-w', '--stdin'])).toString();
    await client.git('work', 'update-index', '--add', '--cacheinfo', `120000,${id.trim()},${name}`);
    await client.git('work', 'commit', '--quiet', '-m', name);
  };
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 5\n`;
  await commit({ a: 'fine' });
  await push('origin', 'master');
  await link(pointer, 'link');
  await assert.rejects(
    push('origin', 'master'),
    /a symbolic link whose target .* control characters/,
  );
  await client.git('work', 'reset', '--quiet', '--hard', 'origin/master');
  await link('a', 'link');
  await push('origin', 'master');
  // The content came under another name, where nobody minds it.
  await commit({ modules: 'no description of a submodule' });
  await push('origin', 'master');
  await client.git('work', 'mv', 'modules', '.gitmodules');
  await client.git('work', 'commit', '--quiet', '-m', 'renamed');
  await assert.rejects(push('origin', 'master'), /\.gitmodules.*not a plain description/s);
  await client.git('', 'clone', '--quiet', url, 'clone');
  await client.git('clone', 'fsck', '--strict');
});

it('a commit whose directory is a file is refused', async (t) => {
  const { client, commit, push, server } = await start(t);
  await commit({ a: 'a file' });
  await push('origin', 'master');
  const head = await client.line('work', 'rev-parse', 'HEAD');
  const blob = await client.line('work', 'rev-parse', 'HEAD:a');
  const text = `tree ${blob}\nparent ${head}\nauthor a <a@a> 1 +0000\ncommitter a <a@a> 1 +0000\n\nm\n`;
  const words = ['hash-object', '-t', 'commit', '--literally', '-w', '--stdin'];
  const id = (await client.feed('work', text, words)).toString().trim();
  const report = await sendPack({ client, server }, { old: head, next: id, objects: `${id}\n` });
  assert.match(report, /ng refs\/heads\/master .*is a blob where a tree must be/);
});

it('a tag that somebody else moved meanwhile stays where it is', async (t) => {
  const { client, commit, push, server } = await start(t);
  await commit({ a: '1' });
  await client.git('work', 'tag', 'v1.0');
  await push('origin', 'master', 'v1.0');
  const first = await client.line('work', 'rev-parse', 'HEAD');
  const { id } = await server.json<Commit>('GET', '/repos/default/data/commits/master');
  const second = await commit({ a: '2' });
  await push('origin', 'master');
  const put = (head: string) =>
    server.json('PUT', '/repos/default/data/tags/v1.0?force=true', { body: { head } });
  await put('master');
  const stale = await sendPack(
    { client, server },
    { ref: 'refs/tags/v1.0', old: first, next: first, objects: `${first}\n` },
  );
  assert.match(stale, /ng refs\/tags\/v1\.0 .*fetch first/);
  const tag = await server.json<{ commit: string }>('GET', '/repos/default/data/tags/v1.0');
  assert.notEqual(tag.commit, id);
  assert.equal(
    await client.line('work', 'ls-remote', 'origin', 'v1.0'),
    `${second}\trefs/tags/v1.0`,
  );
});

it('random histories are the same after a push and a pull', async (t) => {
  const seed = chosenSeed();
  const histories = Number(process.env.PFS_HISTORIES ?? 200);
  t.diagnostic(`seed: PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const below = (limit: number) => Math.floor(random.fraction() * limit);
  const { server, client, url, push } = await start(t);
  await client.git('', 'init', '--quiet', '--bare', 'other.git');
  await client.git('other.git', 'remote', 'add', '--mirror=fetch', 'origin', url);
  let marks = 0;
  let time = 1_700_000_000;
  /** Marks of commits by branch. */
  const heads = new Map<string, number>();
  for (let history = 0; history < histories; history++) {
    const lines: string[] = [];
    for (let count = 1 + below(6); count > 0; count--) {
      const names = [...heads.keys()];
      const branch =
        below(4) === 0 || names.length === 0 ? `b${below(6)}` : names[below(names.length)];
      const from = heads.get(branch ?? '') ?? heads.get(names[below(names.length)] ?? '');
      const merged = below(4) === 0 ? heads.get(names[below(names.length)] ?? '') : undefined;
      marks += 1;
      time += below(3);
      const path = `${['', 'd/', 'd/e/', 'ü x/'][below(4)]}f${below(5)}`;
      const text = below(8) === 0 ? 'x'.repeat(below(40_000)) : `${below(30)}`;
      lines.push(
        `commit refs/heads/${branch}`,
        `mark :${marks}`,
        `committer A U Thor <a@example.com> ${time} +0200`,
        `data ${Buffer.byteLength(`c${marks}`)}\nc${marks}`,
        ...(from === undefined ? [] : [`from :${from}`]),
        ...(merged === undefined || merged === from ? [] : [`merge :${merged}`]),
        ...(below(6) === 0 ? [`D "d"`] : []),
        `M ${below(5) === 0 ? '100755' : '100644'} inline "${path}"`,
        `data ${text.length}\n${text}`,
      );
      heads.set(branch ?? '', marks);
    }
    await client.feed('work', `${lines.join('\n')}\n`, [
      ...['fast-import', '--quiet', '--force', '--export-marks=marks'],
      ...(history === 0 ? [] : ['--import-marks=marks']),
    ]);
    await push('--force', 'origin', 'refs/heads/*:refs/heads/*');
    await client.git('other.git', 'fetch', '--quiet', 'origin');
    const refs = (folder: string) =>
      client.git(folder, 'for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads/b*');
    assert.equal(await refs('other.git'), await refs('work'), `history ${history}`);
  }
  await client.git('other.git', 'fsck', '--strict');
  for (const branch of heads.keys()) {
    const id = await client.line('other.git', 'rev-parse', branch);
    const commit = await server.json<Commit>('GET', `/repos/default/data/commits/${branch}`);
    const listed = (await client.line('other.git', 'ls-tree', '-r', '--long', id)).split('\n');
    assert.equal(commit.git.commit, id);
    assert.equal(commit.files, listed.length, branch);
    const bytes = listed.map((line) => Number(line.split(/\s+/)[3]));
    assert.equal(
      commit.size,
      bytes.reduce((sum, size) => sum + size, 0),
      branch,
    );
  }
  assert.deepEqual(server.faults, []);
  assert.deepEqual(readdirSync(server.scratch), []);
});
