import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { EngineError } from '../../../engine/base/errors.ts';
import { checkSpecialContent, checkSpecialMode } from '../../../engine/git/special-files.ts';

const dir = mkdtempSync(join(tmpdir(), 'pfs-special-'));
after(() => rmSync(dir, { recursive: true, force: true }));
execFileSync('git', ['init', '-q', '--bare', dir]);

function write(type: string, content: Buffer): string {
  const args = ['-C', dir, 'hash-object', '-w', '--literally', '-t', type, '--stdin'];
  return execFileSync('git', args, { input: content }).toString().trim();
}

/** What stock Git says of a tree with one entry. */
function fsckAccepts(name: string, mode: string, content: Buffer): boolean {
  rmSync(join(dir, 'objects'), { recursive: true });
  execFileSync('git', ['init', '-q', '--bare', dir]);
  const id = write(mode === '40000' ? 'tree' : 'blob', content);
  const tree = write(
    'tree',
    Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]),
  );
  return spawnSync('git', ['-C', dir, 'fsck', '--strict', tree]).status === 0;
}

function weAccept(name: string, mode: string, content: Buffer): boolean {
  try {
    checkSpecialMode(name, mode);
    if (mode.startsWith('100')) {
      checkSpecialContent(name, content);
    }
    return true;
  } catch (error) {
    assert.ok(error instanceof EngineError && error.code === 'invalid', String(error));
    return false;
  }
}

const MODULES = [
  '.gitmodules',
  '.GitModules',
  '.gitmodules ',
  '.gitmodules:x',
  'gitmod~1',
  'GITMOD~4',
  'gi7eba~1',
  'gi7eb~10',
  'g~100000',
  '~1000000',
  '.gitmod\u200cules',
];
const ATTRIBUTES = [
  '.gitattributes',
  '.GITATTRIBUTES',
  'gitatt~2',
  'gi7d29~1',
  '.gitattributes . ',
];
const OTHERS = [
  'gitmod~5',
  'gitmodules',
  '.gitmodules.txt',
  'gi7eba~0',
  '.gitignore',
  '.mailmap',
  'g~1',
  '~',
  'gi7eba~12',
];

const bad = Buffer.from('[submodule "../../x"]\n\tpath = x\n\turl = https://example.org/x\n');
const long = Buffer.from(`a${' '.repeat(2047)}-text\n`);

it('sees through the same disguises as Git', () => {
  const different: string[] = [];
  for (const name of [...MODULES, ...ATTRIBUTES, ...OTHERS]) {
    for (const content of [bad, long]) {
      // Long lines of text are no modules at all, which Git lets pass and we do not: see the next test.
      const skip = content === long && MODULES.includes(name);
      if (!skip && weAccept(name, '100644', content) !== fsckAccepts(name, '100644', content)) {
        different.push(`${name} with ${content === bad ? 'modules' : 'attributes'}`);
      }
    }
    for (const [mode, content] of [
      ['120000', Buffer.from('target')],
      ['40000', Buffer.alloc(0)],
    ] as const) {
      if (weAccept(name, mode, content) !== fsckAccepts(name, mode, content)) {
        different.push(`${name} as ${mode}`);
      }
    }
  }
  assert.deepEqual(different, []);
});

it('takes no submodules that Git rejects, and takes the usual ones', () => {
  const entry = (name: string, lines: string) => `[submodule "${name}"]\n${lines}\n`;
  const usual = [
    '',
    '# nothing\n\n',
    entry('lib/a', '\tpath = lib/a\n\turl = https://example.org/a.git\n\tbranch = main'),
    entry('a', 'path = a\nurl = ../a.git\nshallow = true'),
    entry('a.b-c', 'path = a b\nurl = git@example.org:x/y.git\nupdate = rebase'),
  ];
  for (const text of usual) {
    assert.ok(fsckAccepts('.gitmodules', '100644', Buffer.from(text)), text);
    assert.ok(weAccept('.gitmodules', '100644', Buffer.from(text)), text);
  }
  const rejected = [
    entry('..', 'path = a'),
    entry('a/..', 'path = a'),
    entry('a/../b', 'path = a'),
    entry('../a', 'path = a'),
    entry('a', 'url = -x'),
    entry('a', 'path = -x'),
    entry('a', 'update = !rm'),
    entry('a', 'url = "-x"'),
    entry('a', 'url = https://example.org/%0aa'),
    entry('a', 'url = ../../:x'),
    '[submodule "a"] url = -x\n',
    '[SubModule "a"]\nurl = -x\n',
    entry('a', 'URL = -x'),
  ];
  for (const text of rejected) {
    assert.ok(!weAccept('.gitmodules', '100644', Buffer.from(text)), text);
  }
});
