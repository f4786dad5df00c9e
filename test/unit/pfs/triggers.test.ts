import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { TriggerRecord } from '../../../engine/journal/records.ts';
import { branchKey } from '../../../engine/journal/records.ts';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { deleteFiles } from '../../../engine/pfs/change-files.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { squashSet } from '../../../engine/pfs/squash.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { ACTOR, createRepos, link, openTestPfs, type Pfs, put, target } from '../../support/pfs.ts';

type Test = { after(close: () => Promise<void>): void };
type Conditions = Partial<Omit<TriggerRecord, 'ticked'>>;

const REPO = 'default/data';

async function start(t: Test): Promise<{ pfs: Pfs; clock: ManualClock }> {
  const clock = new ManualClock();
  const pfs = await openTestPfs({ clock, t });
  await createRepos(pfs, 'data');
  return { pfs, clock };
}

/** Lets a branch follow another one. */
async function follow(pfs: Pfs, branch: string, conditions: Conditions): Promise<void> {
  const none = { all: false, size: null, commits: null, rateLimit: null, cron: null };
  const trigger = { branch: 'master', ...none, ...conditions };
  await putBranch(pfs.context, { repo: REPO, branch, trigger }, ACTOR);
}

function head(pfs: Pfs, branch: string): string | null {
  return pfs.context.journal.state.branches.get(branchKey(REPO, branch))?.head ?? null;
}

/** Puts one file after the other, and tells at which of them a branch moved. */
async function moves(
  pfs: Pfs,
  options: { readonly branch: string; readonly files: readonly (string | null)[] },
): Promise<boolean[]> {
  const moved: boolean[] = [];
  for (const [index, text] of options.files.entries()) {
    const before = head(pfs, options.branch);
    const path = `f${index}-${pfs.context.journal.seq}`;
    const { id } =
      text === null
        ? await deleteFiles(pfs.context, pfs.queue, {
            target: target('data'),
            paths: ['/'],
            request: ACTOR,
          })
        : await put(pfs, 'data', { [path]: text });
    const after = head(pfs, options.branch);
    assert.ok(after === before || after === id, 'it moves to the new commit or not at all');
    moved.push(after !== before);
  }
  return moved;
}

it('a branch follows every so many commits', async (t) => {
  const { pfs } = await start(t);
  await follow(pfs, 'b', { commits: 3 });
  const files = ['1', '2', '3', '4', '5', '6', '7'];
  const found = await moves(pfs, { branch: 'b', files });
  assert.deepEqual(found, [false, false, true, false, false, true, false]);
});

it('a branch follows once the other is larger by so many bytes, and does not count what was removed', async (t) => {
  const { pfs } = await start(t);
  await follow(pfs, 'b', { size: 10 });
  const ten = 'x'.repeat(10);
  const found = await moves(pfs, { branch: 'b', files: ['12345', '12345', '1', null, ten, ten] });
  assert.deepEqual(found, [false, true, false, false, false, true]);
});

it('a branch follows at most once in each interval, by when commits finished', async (t) => {
  const { pfs, clock } = await start(t);
  await follow(pfs, 'b', { rateLimit: '@every 1h' });
  assert.deepEqual(await moves(pfs, { branch: 'b', files: ['1', '2'] }), [true, false]);
  await clock.pass(59 * 60_000);
  assert.deepEqual(await moves(pfs, { branch: 'b', files: ['3'] }), [false]);
  await clock.pass(60_000);
  assert.deepEqual(await moves(pfs, { branch: 'b', files: ['4', '5'] }), [true, false]);
});

it('any of several conditions is enough, unless all are asked for', async (t) => {
  const { pfs } = await start(t);
  await follow(pfs, 'any', { commits: 2, size: 10 });
  await follow(pfs, 'all', { commits: 2, size: 10, all: true });
  const files = ['1234567890', '1', '1', '123456789'];
  const heads: (string | null)[][] = [];
  for (const [index, text] of files.entries()) {
    await put(pfs, 'data', { [`f${index}`]: text });
    heads.push([head(pfs, 'any'), head(pfs, 'all')]);
  }
  const commits = [...new Set(heads.flat())];
  assert.deepEqual(
    heads.map((pair) => pair.map((one) => commits.indexOf(one))),
    [
      [0, 1],
      [0, 2],
      [3, 2],
      [3, 4],
    ],
  );
});

it('branches follow each other in a chain, in one transaction', async (t) => {
  const { pfs } = await start(t);
  await follow(pfs, 'b', { commits: 2 });
  await follow(pfs, 'c', { branch: 'b', commits: 4 });
  await follow(pfs, 'd', { branch: 'c', commits: 1 });
  await put(pfs, 'data', { a: '1' });
  await put(pfs, 'data', { b: '1' });
  const second = head(pfs, 'master');
  assert.deepEqual(
    ['b', 'c', 'd'].map((name) => head(pfs, name)),
    [second, null, null],
  );
  await put(pfs, 'data', { c: '1' });
  const before = pfs.context.journal.seq;
  await put(pfs, 'data', { d: '1' });
  const fourth = head(pfs, 'master');
  assert.deepEqual(
    ['b', 'c', 'd'].map((name) => head(pfs, name)),
    [fourth, fourth, fourth],
  );
  assert.equal(pfs.context.journal.seq, before + 1);
});

it('branches in a circle are refused, whoever closes it', async (t) => {
  const { pfs } = await start(t);
  await follow(pfs, 'b', { commits: 1 });
  await follow(pfs, 'c', { branch: 'b', commits: 1 });
  await assert.rejects(
    follow(pfs, 'master', { branch: 'c', commits: 1 }),
    /Cannot put a trigger on branch "master".*in a circle \(master → c → b → master\); follow another/,
  );
  await assert.rejects(follow(pfs, 'x', { branch: 'x', commits: 1 }), /in a circle \(x → x\)/);
});

it('what reads the branch gets a commit of the same set as the one that made it move', async (t) => {
  const { pfs } = await start(t);
  await createRepos(pfs, 'out');
  const out = { repo: 'default/out', branch: 'master' };
  await link(pfs, { branch: out, provenance: [{ repo: REPO, branch: 'b' }] });
  await follow(pfs, 'b', { commits: 2 });
  await put(pfs, 'data', { a: '1' });
  const outHead = () => pfs.context.journal.state.branches.get('default/out@master')?.head ?? null;
  assert.equal(outHead(), null);
  const { id } = await put(pfs, 'data', { b: '1' });
  assert.equal(outHead(), id);
});

it('a commit that is started and finished counts when it finishes, and an open one does not', async (t) => {
  const { pfs } = await start(t);
  await follow(pfs, 'b', { commits: 1 });
  const options = { repo: REPO, branch: 'master', description: '' };
  const { id } = await startCommit(pfs.context, options, ACTOR);
  await put(pfs, 'data', { a: '1' });
  assert.equal(head(pfs, 'b'), null);
  await finishCommit(pfs.context, { repo: REPO, ref: id }, ACTOR);
  assert.equal(head(pfs, 'b'), id);
});

it('a branch that somebody writes to stays, and follows again afterwards', async (t) => {
  const { pfs } = await start(t);
  await put(pfs, 'data', { a: '1' });
  await follow(pfs, 'b', { commits: 1 });
  const options = { repo: REPO, branch: 'b', description: '' };
  const { id } = await startCommit(pfs.context, options, ACTOR);
  await put(pfs, 'data', { b: '1' });
  assert.equal(head(pfs, 'b'), id);
  await finishCommit(pfs.context, { repo: REPO, ref: id }, ACTOR);
  const next = await put(pfs, 'data', { c: '1' });
  assert.equal(head(pfs, 'b'), next.id);
});

it('moving a branch by hand keeps its trigger, and counting goes on from there', async (t) => {
  const { pfs } = await start(t);
  await follow(pfs, 'b', { commits: 2 });
  const first = await put(pfs, 'data', { a: '1' });
  await put(pfs, 'data', { b: '1' });
  await putBranch(pfs.context, { repo: REPO, branch: 'b', head: first.id }, ACTOR);
  assert.equal(head(pfs, 'b'), first.id);
  const third = await put(pfs, 'data', { c: '1' });
  assert.equal(head(pfs, 'b'), third.id);
  await putBranch(pfs.context, { repo: REPO, branch: 'b', trigger: null }, ACTOR);
  await put(pfs, 'data', { d: '1' });
  await put(pfs, 'data', { e: '1' });
  assert.equal(head(pfs, 'b'), third.id, 'a trigger that was taken away moves nothing');
});

it('moving the followed branch by hand may move what follows it', async (t) => {
  const { pfs } = await start(t);
  const staged = await put(pfs, 'data@staging', { a: '1' });
  await follow(pfs, 'b', { commits: 1 });
  await putBranch(pfs.context, { repo: REPO, branch: 'master', head: staged.id }, ACTOR);
  assert.equal(head(pfs, 'b'), staged.id);
});

it('commits that were squashed into others still count', async (t) => {
  const { pfs } = await start(t);
  await follow(pfs, 'b', { commits: 3 });
  const first = await put(pfs, 'data', { a: '1' });
  await put(pfs, 'data', { b: '1' });
  await squashSet(pfs.context, first.id, ACTOR);
  const third = await put(pfs, 'data', { c: '1' });
  assert.equal(head(pfs, 'b'), third.id);
});
