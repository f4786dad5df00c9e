// The way out: a repo of ten thousand files is exported, cloned by stock Git with git-lfs, and compared with what
// `get-file -r` gives, byte for byte.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CliHome } from '../support/cli.ts';
import { filesIn, gitIn } from '../support/git-export.ts';

const MiB = 2 ** 20;
const FILES = 10_000;
const LARGE = ['models/one.bin', 'models/with space.bin', '7/large.bin'];

describe('a repo of ten thousand files', () => {
  let home: CliHome;
  let git: ReturnType<typeof gitIn>;
  before(async () => {
    home = new CliHome();
    mkdirSync(home.path('user'));
    git = gitIn(home.path('user'), home.folder);
    const source = home.path('source');
    const write = (path: string, data: string | Buffer) => {
      mkdirSync(dirname(join(source, path)), { recursive: true });
      writeFileSync(join(source, path), data);
    };
    for (let i = LARGE.length; i < FILES; i++) {
      write(`${i % 50}/file-${i}.txt`, `this is file ${i}\r\n`.repeat(i % 7));
    }
    for (const path of LARGE) {
      write(path, randomBytes(3 * MiB));
    }
    chmodSync(join(source, '8/file-8.txt'), 0o755);
    await home.pfs('create-repo', 'data');
    await home.pfs('put-file', 'data@master:/', '-r', '-f', source);
    await home.pfs('put-file', 'data@old', '-f', join(source, '9/file-9.txt'));
    await home.pfs('export-repo', 'data', home.path('data.git'));
  });
  after(() => home.close());

  it('is an export that a strict check finds flawless', () => {
    assert.equal(git('-C', home.path('data.git'), 'fsck', '--strict', '--full'), '');
  });

  it('is a clone with the same files, modes and bytes as what get-file -r gives', async () => {
    const [clone, got] = [home.path('clone'), home.path('got')];
    git('clone', '-q', '-b', 'master', home.path('data.git'), clone);
    assert.equal(git('-C', clone, 'status', '--porcelain'), '');
    assert.match(git('-C', clone, 'lfs', 'fsck'), /OK/);
    await home.pfs('get-file', '-r', 'data@master:/', '-o', got);
    const files = filesIn(got);
    assert.equal(files.size, FILES);
    assert.deepEqual(files, filesIn(home.path('source')));
    assert.deepEqual(filesIn(clone), files);
    const large = git('-C', clone, 'lfs', 'ls-files', '--name-only').trimEnd().split('\n');
    assert.deepEqual(large.toSorted(), LARGE.toSorted());
    assert.match(git('-C', clone, 'branch', '-r'), /origin\/old$/m);
  });
});
