// Transactions as users meet them: the command line against the API, with the active one kept in a home of its own.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { scratchDirectory } from '../../support/scratch.ts';
import { TestServer, TOKEN } from '../../support/server.ts';
import { runCli } from './fake-engine.ts';

async function shell(t: TestContext) {
  const server = await TestServer.start(t);
  const home = scratchDirectory(t);
  const pfs = async (line: string, options: { home?: string } = {}) =>
    await runCli(line.split(' '), {
      address: `http://127.0.0.1:${server.port}`,
      env: { PFS_HOME: options.home ?? home, PFS_TOKEN: TOKEN },
    });
  const ok = async (line: string) => {
    const { code, stdout, stderr } = await pfs(line);
    assert.equal(code, 0, `${line}: ${stderr}`);
    return { out: stdout.trim(), note: stderr.trim() };
  };
  return { server, home, pfs, ok };
}

it('changes go into the active transaction, are told to, and are made when it finishes', async (t) => {
  const { server, home, pfs, ok } = await shell(t);
  const { out: id } = await ok('start-transaction');
  assert.match(id, /^[0-9a-f]{32}$/);
  const added = await ok('create repo images');
  assert.match(added.note, new RegExp(`Added to transaction ${id}`));
  await ok('create-repo labels');
  await ok('create branch images@staging');
  assert.equal((await ok('start commit images@master')).out, id, 'the id of the commit to be');
  await ok('start commit labels@master');
  const inspected = (await ok('inspect transaction')).out;
  assert.match(inspected, /Active here: +yes/);
  assert.match(inspected, /1\. create repo images\n +2\. create repo labels/);
  assert.match(inspected, /5\. start commit labels@master/);
  assert.match((await ok('list transaction')).out, new RegExp(`\\*  +${id} .* 5$`, 'm'));

  const missing = await pfs('inspect repo images');
  assert.equal(missing.code, 3);
  assert.match(missing.stderr, /A transaction is active here/);
  const twice = await pfs('start transaction');
  assert.match(twice.stderr, /is active here; finish or delete it/);

  const done = await ok('finish transaction');
  assert.deepEqual(done.out.split('\n'), [`images@master=${id}`, `labels@master=${id}`]);
  assert.match((await pfs('finish transaction')).stderr, /No transaction is active here/);
  writeFileSync(join(home, 'x'), '1');
  await ok(`put file images@master -f ${join(home, 'x')}`);
  await ok('finish commit images@master');
  assert.equal((await ok('list file images@master')).out.split('\n').length, 2);
  assert.equal(server.engine.pfs.context.journal.state.transactions.size, 0);
});

it('a transaction can be left, resumed, and discarded from another shell', async (t) => {
  const { server, pfs, ok } = await shell(t);
  const { out: id } = await ok('start transaction');
  await ok('create repo a');
  await ok('stop transaction');
  await ok('create repo b');
  assert.deepEqual([...server.engine.pfs.context.journal.state.repos.keys()], ['default/b']);
  await ok(`resume transaction ${id}`);
  const refused = await pfs('create repo b');
  assert.deepEqual([refused.code, /already exists/.test(refused.stderr)], [4, true]);
  const elsewhere = await pfs(`delete transaction ${id}`, { home: scratchDirectory(t) });
  assert.equal(elsewhere.code, 0);
  assert.match((await pfs('create repo c')).stderr, /pfs stop-transaction leaves the active one/);
  await ok('stop transaction');
  await ok('create repo c');
});

it('says what is no part of a transaction', async (t) => {
  const { home, server, ok } = await shell(t);
  await server.engine.repos('data');
  await server.put('data', { a: '1' });
  await ok('start transaction');
  const { note } = await ok('create project team');
  assert.match(note, /this is no part of it: it was done at once/);
  assert.equal(server.engine.pfs.context.journal.state.projects.size, 1);
  writeFileSync(join(home, 'x'), '1');
  assert.doesNotMatch((await ok(`put file data@master -f ${join(home, 'x')}`)).note, /no part/);
  assert.doesNotMatch((await ok('create repo b')).note, /no part/);
  assert.doesNotMatch((await ok('list repo')).note, /no part/);
  await ok('delete transaction');
});
