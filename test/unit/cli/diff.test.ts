import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { ACTOR } from '../../support/pfs.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { TestServer, TOKEN } from '../../support/server.ts';
import { runCli } from './fake-engine.ts';

const repo = 'default/data';
const OLD = {
  'same.txt': 'same\n',
  'text.txt': 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n',
  'd/gone.txt': 'gone\n',
  'ü x.txt': 'no line feed',
  'binary.bin': Buffer.from([1, 0, 2]),
  'latin.txt': Buffer.from([0x66, 0xfc, 0x72]),
  'large.txt': 'a\n'.repeat(600_000),
  run: '#!/bin/sh\n',
};
const NEW = {
  ...OLD,
  'text.txt': 'one\n2\nthree\nfour\nfive\nsix\nseven\neight\nnine\n',
  'd/new.txt': 'new\n',
  'ü x.txt': 'no line feed here',
  'binary.bin': Buffer.from([1, 0, 3]),
  'latin.txt': Buffer.from([0x66, 0xfc]),
  'large.txt': 'b\n'.repeat(600_000),
};

async function rig(t: TestContext) {
  const server = await TestServer.start(t, { idle: true });
  await server.engine.repos('data');
  await server.engine.put('data@master', OLD, { own: true });
  await server.engine.remove('data@master', 'd/gone.txt', 'run');
  const { 'd/gone.txt': _, ...changed } = NEW;
  await server.engine.put('data@master', changed, { executable: ['run'] });
  const pfs = async (line: string) => {
    const address = `http://127.0.0.1:${server.port}`;
    const ran = await runCli(line.split(' '), { address, env: { PFS_TOKEN: TOKEN } });
    // The server of tests has a version of its own.
    return { ...ran, stderr: ran.stderr.replace(/^Warning: this pfs is version .*\n/, '') };
  };
  return { server, pfs, diff: (line: string) => pfs(`diff file ${line}`) };
}

it('shows text line by line, such that git applies it, and says what it does not show', async (t) => {
  const { diff } = await rig(t);
  const { stdout, stderr, code } = await diff('data@master data@master.1');
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^@@ -1,8 \+1,9 @@\n one\n-two\n\+2\n three\n/m);
  assert.match(stdout, /^Binary files a\/binary.bin and b\/binary.bin differ: 3 B, now 3 B$/m);
  assert.match(stdout, /^Binary files a\/latin.txt and b\/latin.txt differ/m);
  assert.match(stdout, /^Large files a\/large.txt and b\/large.txt differ: 1\.1\d* MiB, now/m);
  assert.match(stdout, /^old mode 100644\nnew mode 100755\n/m);
  assert.doesNotMatch(stdout, /same\.txt/);
  const folder = scratchDirectory(t);
  for (const [path, data] of Object.entries(OLD)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), data);
  }
  const hidden = /^diff --git a\/(?:binary|latin|large)[\s\S]*?(?=^diff|$(?![\s\S]))/gm;
  execFileSync('git', ['apply', '-p1', '-'], { cwd: folder, input: stdout.replace(hidden, '') });
  for (const path of ['text.txt', 'd/new.txt', 'ü x.txt', 'same.txt'] as const) {
    assert.equal(readFileSync(join(folder, path), 'utf8'), NEW[path]);
  }
  assert.throws(() => readFileSync(join(folder, 'd/gone.txt')), { code: 'ENOENT' });
});

it('compares with the parent, an open commit too, and with what stands elsewhere', async (t) => {
  const { server, diff } = await rig(t);
  const { context } = server.engine.pfs;
  await server.engine.put('data@master', { 'text.txt': 'changed\n' });
  assert.match((await diff('data@master:/text.txt')).stdout, /^-one$[\s\S]*^\+changed$/m);
  await startCommit(context, { repo, branch: 'master', description: '' }, ACTOR);
  await server.engine.put('data@master', { 'text.txt': 'changed\nagain\n' });
  assert.match((await diff('data@master')).stdout, /^ changed\n\+again\n$/m);
  await finishCommit(context, { repo, ref: 'master' }, ACTOR);
  await putBranch(context, { repo, branch: 'old', head: 'master.1' }, ACTOR);
  await server.engine.put('data@master', { 'copy/gone.txt': 'gone\nmore\n' });
  const elsewhere = await diff('data@master:/copy data@old:/d');
  assert.match(
    elsewhere.stdout,
    /^--- a\/d\/gone.txt\n\+\+\+ b\/copy\/gone.txt\n@@ .*\n gone\n\+more\n$/m,
  );
});

it('lists names, sizes, or what lies in the directory itself', async (t) => {
  const { diff } = await rig(t);
  const lines = async (line: string) => (await diff(line)).stdout.trim().split('\n');
  assert.deepEqual(await lines('data@master data@master.1 --name-only'), [
    '/binary.bin',
    '/d/gone.txt',
    '/d/new.txt',
    '/large.txt',
    '/latin.txt',
    '/run',
    '/text.txt',
    '/ü x.txt',
  ]);
  const stat = await lines('data@master data@master.1 --stat');
  assert.match(stat[2] ?? '', /^- +5 B +\/d\/gone.txt$/);
  assert.match(stat[3] ?? '', /^\+ +4 B +\/d\/new.txt$/);
  const shallow = await lines('data@master data@master.1 -s');
  assert.match(shallow[2] ?? '', /^M +4 B +\/d\/$/);
  assert.equal(shallow.length, 8);
  assert.equal((await lines('data@master:/d data@master.1:/d --shallow')).length, 3);
});

it('tells by its exit code whether something differs, where it is asked to', async (t) => {
  const { diff } = await rig(t);
  const same = await diff('data@master data@master --exit-code');
  assert.deepEqual([same.code, same.stdout], [0, '']);
  const differs = await diff('data@master data@master.1 --name-only --exit-code');
  assert.deepEqual([differs.code, differs.stderr], [1, '']);
  assert.equal((await diff('data@master data@none --exit-code')).code, 3);
});

it('finds the commits that changed a path, and says when none ever had it', async (t) => {
  const { pfs } = await rig(t);
  const { stdout, stderr, code } = await pfs('find commit data@master:/text.txt');
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^CHANGE +COMMIT +.*\nM +[0-9a-f]{32} .*\n\+ +[0-9a-f]{32} .*\n$/);
  const newest = await pfs('find-commit data master /d/gone.txt --limit 1 --json');
  const found = JSON.parse(newest.stdout) as { kind: string; file: unknown };
  assert.deepEqual([found.kind, found.file], ['removed', null]);
  const none = await pfs('find commit data@master:/none');
  assert.equal(none.code, 3);
  assert.match(
    none.stderr,
    /^Cannot find file "\/none" in any commit that leads to data@master\n$/,
  );
});
