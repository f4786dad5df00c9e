import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { deleteFiles } from '../../../engine/pfs/change-files.ts';
import { walkCommits } from '../../../engine/pfs/commit-list.ts';
import { resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { startCommit } from '../../../engine/pfs/commits.ts';
import { mergeBranch, revertCommit } from '../../../engine/pfs/merge.ts';
import { squashSet } from '../../../engine/pfs/squash.ts';
import { gitIn, writeExport } from '../../support/git-export.ts';
import {
  ACTOR,
  type Contents,
  createRepos,
  finishOutputs,
  link,
  openTestPfs,
  type PutOptions,
  put,
  readAll,
  readBytes,
  target,
} from '../../support/pfs.ts';
import { scratchDirectory } from '../../support/scratch.ts';

const repo = 'default/data';

/** A repo with a commit on master and a branch dev that begins there. */
async function rig(t: TestContext, files: Contents = { a: 'a', b: 'b', 'd/x': 'x', 'd/y': 'y' }) {
  const pfs = await openTestPfs({ t });
  await createRepos(pfs, 'data');
  const first = await put(pfs, 'data@master', files, { description: 'the first' });
  await putBranch(pfs.context, { repo, branch: 'dev', head: 'master' }, ACTOR);
  const merge = (
    from = 'dev',
    into = 'master',
    options: { favour?: 'ours' | 'theirs'; fastForward?: boolean; description?: string } = {},
  ) =>
    mergeBranch(
      pfs.context,
      { repo, from, into, fastForward: true, description: '', ...options },
      ACTOR,
    );
  const revert = (ref: string, branch = 'master') =>
    revertCommit(pfs.context, { repo, ref, branch, description: '' }, ACTOR);
  const edit = async (
    branch: string,
    change: Record<string, string | null>,
    options?: PutOptions,
  ) => {
    const gone = Object.keys(change).filter((path) => change[path] === null);
    const kept = Object.entries(change).filter(
      (entry): entry is [string, string] => entry[1] !== null,
    );
    if (gone.length > 0) {
      await deleteFiles(pfs.context, pfs.queue, {
        target: target(`data@${branch}`),
        paths: gone,
        request: ACTOR,
      });
    }
    return await put(pfs, `data@${branch}`, Object.fromEntries(kept), options);
  };
  return { pfs, first, merge, revert, edit };
}

it('merges what each side changed, in one commit with both as parents', async (t) => {
  const { pfs, merge, edit } = await rig(t);
  const mine = await edit('master', { a: 'mine', 'new/mine': '1', 'd/x': null });
  const theirs = await edit('dev', { b: 'theirs', 'new/theirs': '2', 'd/y': 'changed' });
  const { outcome, commit, conflicts } = await merge();
  assert.deepEqual([outcome, conflicts], ['merged', []]);
  assert.deepEqual([commit?.parent, commit?.merged], [mine.id, theirs.id]);
  assert.equal(commit?.depth, 3);
  assert.equal(commit?.description, 'Merge dev into master');
  const files = { a: 'mine', b: 'theirs', 'd/y': 'changed', 'new/mine': '1', 'new/theirs': '2' };
  assert.deepEqual(await readAll(pfs, 'data@master'), files);
  assert.deepEqual(Object.keys(await readAll(pfs, 'data@dev')).length, 5, 'the other stays');
  const git = await pfs.context.objects.readCommit(commit?.git ?? '');
  assert.deepEqual(git.parents, [mine.git, theirs.git]);
  assert.equal((await merge()).outcome, 'up_to_date');
  assert.equal((await merge('master', 'dev')).outcome, 'fast_forward');
  assert.deepEqual(await readAll(pfs, 'data@dev'), files);
  // The line goes up the first parents.
  assert.equal((await resolveCommit(pfs.context, repo, 'master^')).id, mine.id);
  assert.equal((await resolveCommit(pfs.context, repo, 'master.2')).description, '');
});

it('lists conflicts with what each side did, and changes nothing', async (t) => {
  const { pfs, merge, edit } = await rig(t, { a: 'a', b: 'b', c: 'c', d: 'd', e: 'e', 'f/x': 'x' });
  const mine = await edit('master', {
    a: 'mine',
    b: null,
    c: 'same',
    d: null,
    'd/below': 'x',
    n: '1',
  });
  await edit('dev', { a: 'theirs', b: 'theirs', c: 'same', d: 'theirs', e: 'clean', n: '2' });
  const result = await merge();
  assert.equal(result.outcome, 'conflicts');
  assert.equal(result.commit, null);
  assert.deepEqual(result.conflicts, [
    { path: 'a', ours: 'changed', theirs: 'changed' },
    { path: 'b', ours: 'removed', theirs: 'changed' },
    { path: 'd', ours: 'directory', theirs: 'changed' },
    { path: 'n', ours: 'added', theirs: 'added' },
  ]);
  assert.equal((await resolveCommit(pfs.context, repo, 'master')).id, mine.id);
  await putBranch(pfs.context, { repo, branch: 'again', head: 'master' }, ACTOR);
  await merge('dev', 'master', { favour: 'ours' });
  assert.deepEqual(await readAll(pfs, 'data@master'), {
    a: 'mine',
    c: 'same',
    'd/below': 'x',
    e: 'clean',
    'f/x': 'x',
    n: '1',
  });
  await merge('dev', 'again', { favour: 'theirs' });
  assert.deepEqual(await readAll(pfs, 'data@again'), {
    a: 'theirs',
    b: 'theirs',
    c: 'same',
    d: 'theirs',
    e: 'clean',
    'f/x': 'x',
    n: '2',
  });
});

it('joins a changed file and its changed executable bit', async (t) => {
  const { pfs, merge, edit } = await rig(t);
  await edit('master', { a: 'a' }, { executable: ['a'] });
  await edit('dev', { a: 'changed' });
  assert.equal((await merge()).outcome, 'merged');
  const file = (await readBytes(pfs, 'data@master')).get('a');
  assert.deepEqual([file?.mode, `${file?.bytes}`], ['100755', 'changed']);
});

it('moves the branch where that is enough, unless a commit is asked for', async (t) => {
  const { pfs, first, merge, edit } = await rig(t);
  const theirs = await edit('dev', { n: 'n' });
  const made = await merge('dev', 'master', { fastForward: false, description: 'release' });
  assert.deepEqual([made.outcome, made.commit?.description], ['merged', 'release']);
  assert.deepEqual([made.commit?.parent, made.commit?.merged], [first.id, theirs.id]);
  await putBranch(pfs.context, { repo, branch: 'old', head: first.id }, ACTOR);
  await pfs.context.journal.snapshot();
  const moved = await merge('dev', 'old');
  assert.deepEqual([moved.outcome, moved.commit?.id], ['fast_forward', theirs.id]);
  await putBranch(pfs.context, { repo, branch: 'empty' }, ACTOR);
  assert.equal((await merge('dev', 'empty')).outcome, 'fast_forward');
});

it('takes the newest common ancestor, out of history, also after merges both ways', async (t) => {
  const { pfs, merge, edit } = await rig(t, { log: '0' });
  for (let i = 1; i <= 4; i++) {
    await edit('master', { [`m${i}`]: 'x', log: `m${i}` });
    await edit('dev', { [`d${i}`]: 'x' });
    await pfs.context.journal.snapshot();
    // What was merged before is in both: only what is new counts.
    assert.equal((await merge('master', 'dev')).outcome, 'merged');
    assert.equal((await merge('dev', 'master')).outcome, 'fast_forward');
  }
  const files = await readAll(pfs, 'data@master');
  assert.deepEqual(files.log, 'm4');
  assert.equal(Object.keys(files).length, 9);
});

it('merges branches that have nothing in common', async (t) => {
  const { pfs, merge, edit } = await rig(t);
  await put(pfs, 'data@other', { o: 'o', a: 'a' });
  assert.equal((await merge('other')).outcome, 'merged');
  assert.equal(Object.keys(await readAll(pfs, 'data@master')).length, 5);
  await put(pfs, 'data@third', { b: 'theirs' });
  await edit('master', { z: 'z' });
  assert.deepEqual((await merge('third')).conflicts, [
    { path: 'b', ours: 'added', theirs: 'added' },
  ]);
});

it("refuses to merge from or into what is open, missing or a pipeline's", async (t) => {
  const { pfs, merge, edit } = await rig(t);
  await edit('dev', { n: 'n' });
  await assert.rejects(merge('none'), { code: 'not_found' });
  await assert.rejects(merge('dev', 'none'), { code: 'not_found' });
  await startCommit(pfs.context, { repo, branch: 'dev', description: '' }, ACTOR);
  await assert.rejects(merge('dev'), {
    code: 'failed_precondition',
    message: /^Cannot merge "dev": commit \w+ has not finished/,
  });
  await assert.rejects(merge('master', 'dev'), {
    message: /^Cannot merge into branch "dev": commit/,
  });
  await createRepos(pfs, 'in');
  await link(pfs, {
    branch: { repo, branch: 'master' },
    provenance: [{ repo: 'default/in', branch: 'master' }],
  });
  await assert.rejects(merge('dev^'), { message: /pipeline "data" writes it/ });
});

it('reverts a commit below others, once', async (t) => {
  const { pfs, revert, edit } = await rig(t);
  const bad = await edit('master', { a: 'bad', added: 'x', 'd/x': null }, { description: 'oops' });
  await edit('master', { b: 'later' });
  const { outcome, commit } = await revert(bad.id);
  assert.equal(outcome, 'reverted');
  assert.equal(commit?.description, `Revert "oops"\n\nThis takes back commit ${bad.id}.`);
  // The deletion was a commit of its own.
  assert.deepEqual(await readAll(pfs, 'data@master'), { a: 'a', b: 'later', 'd/y': 'y' });
  await assert.rejects(revert(bad.id), {
    code: 'failed_precondition',
    message: /nothing that it changed is left there$/,
  });
  assert.equal((await revert(commit?.id ?? '')).outcome, 'reverted');
  assert.deepEqual(await readAll(pfs, 'data@master'), {
    a: 'bad',
    added: 'x',
    b: 'later',
    'd/y': 'y',
  });
});

it('reverts nothing where later commits changed the same', async (t) => {
  const { pfs, revert, edit } = await rig(t);
  const bad = await edit('master', { a: 'bad', c: 'c' });
  const later = await edit('master', { a: 'worse' });
  const result = await revert(bad.id);
  assert.deepEqual(
    [result.outcome, result.conflicts],
    ['conflicts', [{ path: 'a', ours: 'changed', theirs: 'changed' }]],
  );
  assert.equal((await resolveCommit(pfs.context, repo, 'master')).id, later.id);
});

it('reverts a merge, and the first commit of all', async (t) => {
  const { pfs, first, merge, revert, edit } = await rig(t);
  await edit('master', { m: 'm' });
  await edit('dev', { n: 'n' });
  const { commit } = await merge();
  await revert(commit?.id ?? '');
  assert.deepEqual(Object.keys(await readAll(pfs, 'data@master')).sort(), [
    'a',
    'b',
    'd/x',
    'd/y',
    'm',
  ]);
  await revert(first.id);
  assert.deepEqual(await readAll(pfs, 'data@master'), { m: 'm' });
});

it('causes one commit downstream, as any commit does', async (t) => {
  const { pfs, merge, revert, edit } = await rig(t);
  await createRepos(pfs, 'out');
  const master = { repo, branch: 'master' };
  await link(pfs, { branch: { repo: 'default/out', branch: 'master' }, provenance: [master] });
  const depth = async () => (await resolveCommit(pfs.context, 'default/out', 'master')).depth;
  await edit('master', { m: 'm' });
  await edit('dev', { n: 'n' });
  await finishOutputs(pfs);
  const { commit } = await merge();
  await finishOutputs(pfs);
  const made = await resolveCommit(pfs.context, 'default/out', 'master');
  assert.deepEqual([made.id, made.depth], [commit?.id, 1]);
  await revert(commit?.id ?? '');
  await finishOutputs(pfs);
  assert.equal(await depth(), 2);
  await edit('dev', { k: 'k' });
  await putBranch(pfs.context, { ...master, head: 'dev^' }, ACTOR);
  await finishOutputs(pfs);
  await merge();
  await finishOutputs(pfs);
  assert.equal(await depth(), 4);
});

it('merges while others commit to both branches', async (t) => {
  const { pfs, merge } = await rig(t);
  const results = await Promise.all([
    ...Array.from({ length: 6 }, (_, i) => put(pfs, 'data@master', { [`m${i}`]: 'x' })),
    merge('dev', 'master', { fastForward: false }),
    ...Array.from({ length: 6 }, (_, i) => put(pfs, 'data@dev', { [`d${i}`]: 'x' })),
    merge(),
  ]);
  assert.equal(results.length, 14);
  await merge();
  const files = Object.keys(await readAll(pfs, 'data@master'));
  assert.equal(files.filter((path) => /^[md]\d$/.test(path)).length, 12);
});

it('shows as a graph in an export, also after a parent was squashed', async (t) => {
  const { pfs, first, merge, edit } = await rig(t);
  const mine = await edit('master', { m: 'm' });
  const one = await edit('dev', { n: 'n' });
  const two = await edit('dev', { k: 'k' });
  await putBranch(pfs.context, { repo, branch: 'dev', head: one.id }, ACTOR);
  const { commit } = await merge(two.id, 'master', { description: 'both' });
  const check = async (name: string, graph: readonly string[]) => {
    const root = scratchDirectory(t);
    const home = join(root, 'home');
    mkdirSync(home);
    const bare = join(root, name);
    mkdirSync(bare);
    await writeExport(pfs, 'data', bare);
    const git = gitIn(home, root);
    assert.equal(git('-C', bare, 'fsck', '--strict', '--full', '--no-dangling'), '');
    const shown = git(
      '-C',
      bare,
      'log',
      '--graph',
      '--format=%(trailers:key=Pfs-Commit,valueonly,separator=%x2C)',
      'master',
    );
    assert.deepEqual(
      shown
        .split('\n')
        .flatMap((line) => /[0-9a-f]{32}/.exec(line)?.[0] ?? [])
        .sort(),
      [...graph].sort(),
    );
    assert.match(shown, /^\* {3}\w+\n\|\\/, 'two lines meet');
  };
  await check('one', [commit?.id ?? '', mine.id, one.id, two.id, first.id]);
  await squashSet(pfs.context, two.id, ACTOR);
  const after = await resolveCommit(pfs.context, repo, 'master');
  assert.deepEqual([after.id, after.parent, after.merged], [commit?.id, mine.id, one.id]);
  await check('two', [commit?.id ?? '', mine.id, one.id, first.id]);
  await squashSet(pfs.context, mine.id, ACTOR);
  const last = await resolveCommit(pfs.context, repo, 'master');
  assert.deepEqual([last.parent, last.merged], [first.id, one.id]);
  const line: string[] = [];
  for await (const { id } of walkCommits(pfs.context, repo, 'master')) {
    line.push(id);
  }
  assert.deepEqual(line, [commit?.id, first.id]);
});
