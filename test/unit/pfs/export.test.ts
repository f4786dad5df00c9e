import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { packKey } from '../../../engine/object/keys.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { deleteBranch, putBranch } from '../../../engine/pfs/branches.ts';
import { copyFile, deleteFiles } from '../../../engine/pfs/change-files.ts';
import { startCommit } from '../../../engine/pfs/commits.ts';
import { exportRepo } from '../../../engine/pfs/export.ts';
import { putTag } from '../../../engine/pfs/tags.ts';
import { filesIn, gitIn, writeExport } from '../../support/git-export.ts';
import {
  ACTOR,
  type Contents,
  createRepos,
  openTestPfs,
  put,
  readBytes,
  target,
} from '../../support/pfs.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { newSeed } from '../object/pack-rig.ts';

const MiB = 1024 * 1024;

async function rig(t: TestContext) {
  const pfs = await openTestPfs({ t });
  const root = scratchDirectory(t);
  const bare = join(root, 'bare.git');
  const clone = join(root, 'clone');
  const home = join(root, 'home');
  mkdirSync(home);
  mkdirSync(bare);
  return { pfs, bare, clone, git: gitIn(home, root) };
}

const FILES: Contents = {
  'plain.txt': 'hello\n',
  empty: '',
  'a b/with spaces.txt': 'spaces',
  'glob *[x]? {a,b}.txt': 'glob characters',
  'quote "double" and \'single\'.txt': 'quotes',
  'back\\slash.txt': 'a backslash',
  '#hash': 'not a comment',
  '!bang': 'not a negation',
  '-dash': 'not an option',
  'ünïcode/日本語/😀.txt': 'unicode',
  'crlf.txt': 'one\r\ntwo\r\n',
  'ident.c': '$Id$ $Id: keep $\n',
  'run.sh': '#!/bin/sh\n',
  'exactly one MiB': randomBytes(MiB),
  'large/over.bin': randomBytes(MiB + 1),
  'large/ü * [odd] "name" \\ .bin': randomBytes(3 * MiB),
  'large/ lead and trail ': randomBytes(MiB + 7),
  'large/!x': randomBytes(MiB + 2),
  'large/#x': randomBytes(MiB + 3),
  'large/run': randomBytes(2 * MiB),
  'large/plain beside': 'small',
  'pointer-like.txt': 'see git-lfs for more\n',
  'pointer.txt': `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`,
  'theirs/.gitattributes': '*.txt text=auto\n',
  'theirs/a.txt': 'a\n',
  'theirs/b.bin': randomBytes(100),
};

it('gives back every byte through a clone by stock git with git-lfs', async (t) => {
  const { pfs, bare, clone, git } = await rig(t);
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', FILES, { executable: ['run.sh', 'large/run'] });
  await writeExport(pfs, 'data', bare);
  git('-C', bare, 'fsck', '--strict', '--full', '--no-dangling');
  const stored = await readBytes(pfs, 'data@master');
  assert.equal(stored.size, Object.keys(FILES).length);
  for (const url of [bare, 'bare.git', `file://${bare}`]) {
    git('clone', '-q', url, clone);
    assert.deepEqual(filesIn(clone), stored, url);
    // git-lfs never takes what reads as a pointer for a file's content, so it thinks that one was changed.
    assert.equal(git('-C', clone, 'status', '--porcelain'), ' M pointer.txt\n');
    assert.match(git('-C', clone, 'lfs', 'fsck'), /OK/);
    rmSync(clone, { recursive: true });
  }
});

it('has a branch for each that has a good commit, with its whole history', async (t) => {
  const { pfs, bare, clone, git } = await rig(t);
  await createRepos(pfs, 'data');
  const { id } = await put(pfs, 'data@dev', { a: '1', b: randomBytes(MiB + 9) });
  await put(pfs, 'data@dev', { a: '2' }, { description: 'the second\n\nwith a body' });
  await startCommit(
    pfs.context,
    { repo: 'default/data', branch: 'dev', description: 'still open' },
    ACTOR,
  );
  await putBranch(pfs.context, { repo: 'default/data', branch: 'empty' }, ACTOR);
  await putBranch(pfs.context, { repo: 'default/data', branch: 'old', head: id }, ACTOR);
  const tagged = { repo: 'default/data', head: 'dev^', description: '', force: false };
  await putTag(pfs.context, { ...tagged, name: 'v1.0', head: 'dev^2' }, ACTOR);
  await putTag(pfs.context, { ...tagged, name: 'v1' }, ACTOR);
  await writeExport(pfs, 'data', bare);
  git('-C', bare, 'fsck', '--strict', '--full', '--no-dangling');
  git('clone', '-q', bare, clone);
  assert.equal(git('-C', clone, 'tag'), 'v1\nv1.0\n');
  assert.match(git('-C', clone, 'log', '-1', 'v1.0', '--format=%(trailers)'), new RegExp(id));
  assert.match(git('-C', clone, 'branch', '-a'), /^\* dev\n.*origin\/HEAD.*\n.*dev\n.*old\n$/);
  assert.equal(git('-C', clone, 'log', '--format=%s'), 'the second\n(no description)\n');
  assert.equal(
    git('-C', clone, 'log', '-1', 'origin/old', '--format=%(trailers)').trim(),
    `Pfs-Commit: ${id}`,
  );
  git('-C', clone, 'checkout', '-q', 'old');
  assert.deepEqual(filesIn(clone), await readBytes(pfs, `data@${id}`));
});

it('exports an empty repo as an empty repository', async (t) => {
  const { pfs, bare, clone, git } = await rig(t);
  await createRepos(pfs, 'data');
  assert.deepEqual(await writeExport(pfs, 'data', bare), ['HEAD', 'config']);
  git('clone', '-q', bare, clone);
  assert.equal(git('-C', clone, 'symbolic-ref', 'HEAD'), 'refs/heads/master\n');
});

it('exports a commit without files', async (t) => {
  const { pfs, bare, git } = await rig(t);
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', {});
  await writeExport(pfs, 'data', bare);
  git('-C', bare, 'fsck', '--strict', '--full');
  assert.equal(git('-C', bare, 'ls-tree', '-r', 'master'), '');
});

it('holds nothing that its branches do not reach', async (t) => {
  const { pfs, bare, git } = await rig(t);
  await createRepos(pfs, 'data', 'other');
  // One batch of the queue each, so that both repos' objects may share packs.
  const shared = randomBytes(MiB + 1);
  await put(pfs, 'other@master', { secret: 'top secret', shared, large: randomBytes(MiB + 2) });
  await put(pfs, 'data@gone', { dropped: 'dropped', alsoLarge: randomBytes(MiB + 3) });
  const { git: commit } = await put(pfs, 'data@master', { kept: 'kept', shared });
  await deleteBranch(pfs.context, { repo: 'default/data', branch: 'gone', force: false }, ACTOR);
  const paths = await writeExport(pfs, 'data', bare);
  assert.equal(paths.filter((path) => path.startsWith('lfs/')).length, 1);
  assert.equal(git('-C', bare, 'fsck', '--strict', '--unreachable', '--dangling'), '');
  const all = git('-C', bare, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)');
  const reached = git('-C', bare, 'rev-list', '--objects', '--no-object-names', commit ?? '');
  assert.deepEqual(all.trim().split('\n').sort(), reached.trim().split('\n').sort());
});

it('splits what is large into several packs', async (t) => {
  const { pfs, bare, clone, git } = await rig(t);
  await createRepos(pfs, 'data');
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`${i}`, randomBytes(MiB - i)]),
  );
  await put(pfs, 'data@master', files);
  const paths = await writeExport(pfs, 'data', bare);
  assert.equal(paths.filter((path) => path.endsWith('.pack')).length, 2);
  git('-C', bare, 'fsck', '--strict');
  git('clone', '-q', bare, clone);
  assert.deepEqual(filesIn(clone), await readBytes(pfs, 'data@master'));
});

it('refuses to export an object that is damaged in the store', async (t) => {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store });
  await createRepos(pfs, 'data');
  await put(pfs, 'data@master', { a: 'to be damaged' });
  const [pack] = pfs.context.journal.state.packs.keys();
  const bytes = Buffer.from(await store.get(packKey(pack ?? '')));
  bytes[bytes.indexOf('damaged')] = 0x44;
  await store.delete(packKey(pack ?? ''));
  await store.put(packKey(pack ?? ''), bytes);
  const reopened = await openTestPfs({ t, store });
  await assert.rejects(
    async () => {
      for await (const _ of exportRepo(reopened.context, 'default/data')) {
        // Only the end counts.
      }
    },
    { code: 'corrupt', message: /Cannot read object .* are damaged/ },
  );
});

it('does not find a repo that does not exist', async (t) => {
  const pfs = await openTestPfs({ t });
  await assert.rejects(exportRepo(pfs.context, 'default/none').next(), { code: 'not_found' });
});

it('passes a strict check whatever edits made its trees', async (t) => {
  const { pfs, bare, clone, git } = await rig(t);
  await createRepos(pfs, 'data');
  const chance = new SeededRandom(newSeed());
  const names = ['a', 'a.b', 'a-b', 'ü', 'b c', '.gitattributes'];
  const pick = () => names[Math.floor(chance.fraction() * (names.length - 1))] ?? '';
  const contents = ['x', '', 'says git-lfs', 'y\r\n', '*.txt text\n'];
  const change = { target: target('data@master'), request: ACTOR };
  const source = { repo: 'default/data', ref: 'master' };
  let accepted = 0;
  for (let i = 0; i < 120; i++) {
    const last = chance.fraction() < 0.1 ? '.gitattributes' : pick();
    const path = [pick(), pick(), last].slice(Math.floor(chance.fraction() * 3)).join('/');
    const kind = chance.fraction();
    const edit =
      kind < 0.6
        ? put(pfs, 'data@master', { [path]: contents[i % contents.length] ?? '' })
        : kind < 0.8
          ? deleteFiles(pfs.context, pfs.queue, { ...change, paths: [path] })
          : copyFile(pfs.context, pfs.queue, {
              ...change,
              source: { ...source, path: pick() },
              path,
              append: false,
            });
    await edit.then(
      () => {
        accepted += 1;
      },
      (error: Error) => assert.match(error.message, /at once|Cannot find|Cannot store|Git keeps/),
    );
  }
  assert.ok(accepted > 40, `${accepted} edits`);
  await writeExport(pfs, 'data', bare);
  assert.equal(git('-C', bare, 'fsck', '--strict', '--full'), '');
  git('clone', '-q', bare, clone);
  const { size } = await readBytes(pfs, 'data@master');
  const listed = git('-C', clone, 'ls-files', '-z')
    .split('\0')
    .filter((path) => path !== '');
  const ours = listed.filter((path) => {
    const text = path.endsWith('.gitattributes') ? readFileSync(join(clone, path), 'utf8') : '';
    return text.startsWith('# pfs: made for clones');
  });
  assert.equal(listed.length - ours.length, size);
  assert.equal(git('-C', clone, 'rev-list', '--count', 'HEAD'), `${accepted}\n`);
});
