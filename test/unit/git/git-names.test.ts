import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { EngineError } from '../../../engine/base/errors.ts';
import { checkName, checkPath } from '../../../engine/git/names.ts';

const dir = mkdtempSync(join(tmpdir(), 'pfs-names-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const git = (args: string[], input?: Buffer) =>
  execFileSync('git', ['-C', dir, ...args], { input, stdio: ['pipe', 'pipe', 'pipe'] });
git(['init', '-q', '--bare']);
const blob = git(['hash-object', '-w', '--stdin'], Buffer.from('hello')).toString().trim();

/** What stock Git says of a tree with one file of that name, in bytes. */
function fsckAccepts(name: Buffer): boolean {
  const tree = Buffer.concat([
    Buffer.from('100644 '),
    name,
    Buffer.from([0]),
    Buffer.from(blob, 'hex'),
  ]);
  const id = git(['hash-object', '-w', '--literally', '-t', 'tree', '--stdin'], tree)
    .toString()
    .trim();
  const result = spawnSync('git', ['-C', dir, 'fsck', '--strict', id], { encoding: 'utf8' });
  rmSync(join(dir, 'objects', id.slice(0, 2), id.slice(2)), { force: true });
  return result.status === 0 && !/error|warning/.test(result.stderr);
}

function weAccept(name: string): boolean {
  try {
    checkName(name);
    return true;
  } catch (error) {
    assert.ok(error instanceof EngineError && error.code === 'invalid', String(error));
    return false;
  }
}

const SAME = [
  'a.txt',
  'with space',
  ' leading',
  'trailing ',
  'trailing.',
  'tab\u00e9',
  'ünïcode',
  '日本語',
  '😀',
  '.',
  '..',
  '...',
  '.a',
  '..a',
  '.git',
  '.GIT',
  '.Git',
  '.git ',
  '.git.',
  '.git . .',
  '.git\u200c',
  '.g\u200cit',
  '\u200d.git',
  '.gi\u206at',
  '.g\ufeffit',
  '.g\u2060it',
  'git~1',
  'GIT~1',
  'Git~1',
  'git~2',
  'git~10',
  'git~1 ',
  'git~1.',
  'git~1.txt',
  'git~1:x',
  '.git::$INDEX_ALLOCATION',
  '.git:foo',
  '.gitfoo',
  '.git-foo',
  'git',
  'x.git',
  '.git\\x',
  'x\\.git',
  'x\\.git\\y',
  'x\\git~1',
  'back\\slash',
  'a\\..\\b',
  'x\\.git ',
  'x\\.git :y',
  '.git:\\x',
  'a:b',
  'a*b',
  'a?b',
  'a"b',
  'a<b>',
  'a|b',
  '-x',
  '~',
  'CON',
  'nul',
  '.gitmodules',
  '.gitattributes',
  '.gitignore',
  '.mailmap',
  'gitmod~1',
  'gi7eba~1',
  '.gitmodules ',
  '.GITMODULES',
  '.gitmodules:$DATA',
  'x'.repeat(255),
  'é'.repeat(127),
];

it('accepts and refuses the same names as a strict check by Git', () => {
  const different = SAME.filter((name) => weAccept(name) !== fsckAccepts(Buffer.from(name)));
  assert.deepEqual(different, []);
});

it('refuses more than Git where names could not be shown or stored elsewhere', () => {
  for (const name of [
    '',
    'a/b',
    '\u0001',
    'line\nbreak',
    'del\u007f',
    'x'.repeat(256),
    '\ud800',
    'nul\0',
  ]) {
    assert.ok(!weAccept(name), JSON.stringify(name));
  }
});

it('gives the reason in words', () => {
  assert.throws(() => checkName('.GIT'), /Git keeps that name/);
  assert.throws(() => checkName('..'), /meaning of its own/);
  assert.throws(() => checkPath('a//b'), /it is empty/);
  assert.throws(() => checkPath('/a'), /it is empty/);
  assert.throws(() => checkPath(`${'a/'.repeat(2048)}b`), /longer than 4096 bytes/);
  checkPath('a/b c/ü.txt');
});
