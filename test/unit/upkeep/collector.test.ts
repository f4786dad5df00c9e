import assert from 'node:assert/strict';
import { it } from 'node:test';
import { apply } from '../../../engine/journal/apply.ts';
import { State } from '../../../engine/journal/state.ts';
import { PACKS_PREFIX, packKey, parsePackKey } from '../../../engine/object/keys.ts';
import { startCommit } from '../../../engine/pfs/commits.ts';
import { deleteRepo } from '../../../engine/pfs/repos.ts';
import { undeleteRepo } from '../../../engine/pfs/undelete.ts';
import { commitEdits } from '../../../engine/pfs/upload.ts';
import { collect } from '../../../engine/upkeep/collector.ts';
import { Pace } from '../../../engine/upkeep/pace.ts';
import { rootsOfState } from '../../../engine/upkeep/roots.ts';
import { InstantClock } from '../../support/instant-clock.ts';
import { ACTOR, createRepos, openTestPfs, type Pfs, put, readAll } from '../../support/pfs.ts';
import { checkByGit } from './git-check.ts';
import { collectOn, compactOn, GRACE, HOUR, keysOf, newUpkeepRig } from './upkeep-rig.ts';

const MiB = 1024 * 1024;

function packIds(pfs: Pfs): string[] {
  return [...pfs.context.journal.state.packs.keys()];
}

async function storedPacks(pfs: Pfs): Promise<string[]> {
  const ids = (await keysOf(pfs.store, PACKS_PREFIX)).map((key) => parsePackKey(key)?.id ?? '');
  return [...new Set(ids)].sort();
}

async function removeRepo(pfs: Pfs, name: string): Promise<void> {
  await deleteRepo(pfs.context, { key: `default/${name}`, force: false }, ACTOR);
}

it('what a deleted repo held goes in steps: out of the trash, out of use, out of the store, a grace period between each', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'kept', 'gone');
  await put(pfs, 'kept@master', { '/a': 'stays' });
  await put(pfs, 'gone@master', { '/b': 'goes', '/large': Buffer.alloc(2 * MiB, 7) });
  const gone = packIds(pfs).slice(1);
  await removeRepo(pfs, 'gone');

  pass(GRACE - HOUR);
  const early = await collectOn(pfs);
  assert.equal(early.trash, 1);
  assert.equal(early.dead.count, 0);
  assert.equal(packIds(pfs).length, 3);

  pass(2 * HOUR);
  const dry = await collectOn(pfs, { dryRun: true });
  assert.deepEqual([dry.emptied, dry.dead.count, dry.deleted.count], [1, 2, 0]);
  assert.equal(packIds(pfs).length, 3, 'a dry run changes nothing');
  const emptied = await collectOn(pfs);
  assert.deepEqual(emptied.dead, dry.dead);
  assert.equal(emptied.waiting.count, 2);
  assert.equal(packIds(pfs).length, 1);
  assert.equal((await storedPacks(pfs)).length, 3, 'objects stay for readers under way');

  pass(GRACE - HOUR);
  assert.equal((await collectOn(pfs)).deleted.count, 0);
  pass(2 * HOUR);
  assert.equal((await collectOn(pfs)).deleted.count, 2);
  assert.deepEqual(await storedPacks(pfs), packIds(pfs));
  assert.ok(gone.every((id) => !packIds(pfs).includes(id)));
  assert.deepEqual(await readAll(pfs, 'kept@master'), { a: 'stays' });
});

it('what other repos, branches, open commits and history need stays, whoever else is deleted', async (t) => {
  const { pfs, pass, open } = await newUpkeepRig(t);
  await createRepos(pfs, 'one', 'two', 'three');
  const first = await put(pfs, 'one@master', { '/shared': 'in both', '/own': '1' });
  await put(pfs, 'two@master', { '/shared': 'in both' });
  await startCommit(pfs.context, { repo: 'default/three', branch: 'm', description: '' }, ACTOR);
  await put(pfs, 'three@m', { '/edit': 'of an open commit', '/large': Buffer.alloc(3 * MiB, 1) });
  await put(pfs, 'one@master', { '/own': '2' });
  await pfs.context.journal.snapshot();
  await removeRepo(pfs, 'one');
  await undeleteRepo(pfs.context, 'default/one', ACTOR);
  await removeRepo(pfs, 'two');
  for (let i = 0; i < 4; i++) {
    pass(GRACE + HOUR);
    await collectOn(pfs);
    await compactOn(pfs);
  }
  const other = await open();
  assert.deepEqual(await readAll(other, `one@${first.id}`), { shared: 'in both', own: '1' });
  assert.deepEqual(await readAll(other, 'one@master'), { shared: 'in both', own: '2' });
  const opened = await readAll(other, 'three@m');
  assert.equal(opened.edit, 'of an open commit');
  assert.equal(opened.large?.length, 3 * MiB);
  await checkByGit(t, other, 'one');
});

it('of a pack that is mostly dead what is reached is written anew', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'big', 'small');
  const files = Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [`/f${i}`, `file ${i} `.repeat(100)]),
  );
  await put(pfs, 'big@master', files);
  await put(pfs, 'small@master', { '/same': files['/f7'] ?? '' });
  await removeRepo(pfs, 'big');
  pass(GRACE + HOUR);
  const dry = await collectOn(pfs, { dryRun: true });
  const report = await collectOn(pfs);
  assert.equal(report.sparse.count, 1);
  assert.deepEqual(dry.sparse, report.sparse);
  assert.ok(report.rewritten.bytes < 3000);
  assert.deepEqual(await readAll(pfs, 'small@master'), { same: files['/f7'] });
  assert.ok([...pfs.context.journal.state.packs.values()].every(({ bytes }) => bytes < 5000));
});

it('a pack is not let go of when a newer transaction has used it, and a compacted one passes its use on', () => {
  const state = new State();
  const at = (seq: number, ...operations: Parameters<typeof apply>[1][]) => {
    for (const operation of operations) {
      apply(state, operation, { seq, time: seq });
    }
  };
  const pack = (id: string) => ({ id, kind: 'git' as const, bytes: 1, objects: 1 });
  const added = (...ids: string[]) => ({
    kind: 'packs.added' as const,
    repo: 'default/r',
    added: ids.map(pack),
    relied: [],
  });
  at(1, {
    kind: 'repo.created',
    repo: { key: 'default/r', id: 'r', kind: 'user', description: '', created: 0 },
  });
  at(2, added('a', 'b'));
  at(5, { ...added(), relied: ['b'] });
  const collected = (removed: string, since: number) => ({
    kind: 'packs.collected' as const,
    added: [],
    removed: [removed],
    since,
  });
  assert.throws(() => at(6, collected('b', 4)), { code: 'conflict' });
  assert.throws(() => at(6, collected('a', 1)), { code: 'conflict' });
  at(7, { kind: 'packs.compacted', added: [pack('c')], removed: ['a', 'b'] });
  assert.throws(() => at(8, collected('c', 4)), { code: 'conflict' });
  // Leaning on what was compacted is leaning on what holds it now.
  at(9, { ...added(), relied: ['a'] });
  assert.throws(() => at(10, collected('c', 8)), { code: 'conflict' });
  at(10, collected('c', 9));
  for (const name of ['a', 'b', 'c']) {
    assert.throws(() => at(11, { ...added(), relied: [name] }), { code: 'conflict' });
    assert.throws(() => at(11, added(name)), { code: 'conflict' }, 'no name comes back');
  }
  at(12, { kind: 'packs.deleted', packs: ['a', 'b', 'c'] });
  at(13, { kind: 'packs.horizon', before: 'bb' });
  assert.deepEqual([...state.removedPacks.keys()], ['c']);
  assert.throws(() => at(14, added('a')), { code: 'conflict' }, 'older than the horizon');
  at(14, { kind: 'packs.horizon', before: 'aa' });
  assert.throws(() => at(15, added('b')), { code: 'conflict' }, 'a horizon never sinks');
  at(16, { kind: 'packs.restored', pack: 'c', added: pack('d') });
  at(17, { ...added(), relied: ['c'] });
  assert.equal(state.packs.get('d')?.used, 17);
  assert.throws(() => at(18, { kind: 'packs.restored', pack: 'c', added: pack('e') }), {
    code: 'conflict',
  });
});

it('a write that leaned on what was collected meanwhile lands, with its bytes stored again', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'gone', 'data');
  await put(pfs, 'gone@master', { '/a': 'once stored', '/large': Buffer.alloc(2 * MiB, 3) });
  await removeRepo(pfs, 'gone');
  const session = pfs.context.newSession();
  const small = await session.smallFile(Buffer.from('once stored'));
  const file = session.newFile();
  await file.write(Buffer.alloc(2 * MiB, 3));
  const large = await file.finish();
  pass(GRACE + HOUR);
  await collectOn(pfs);
  assert.equal(packIds(pfs).length, 0);
  const edits = [
    { kind: 'set', path: 'small', entry: { mode: '100644', id: small.id } },
    { kind: 'set', path: 'large', entry: { mode: '100644', id: large.id } },
  ] as const;
  const target = { repo: 'default/data', ref: 'master', own: false, description: '' };
  await commitEdits(pfs.context, pfs.queue, { target, edits, session, request: ACTOR });
  for (let i = 0; i < 4; i++) {
    pass(GRACE + HOUR);
    await collectOn(pfs);
  }
  const files = await readAll(pfs, 'data@master');
  assert.equal(files.small, 'once stored');
  assert.equal(files.large?.length, 2 * MiB);
});

it('a write whose bytes are gone for good is refused with a sentence, and nothing of it is there', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'gone', 'data');
  await put(pfs, 'gone@master', { '/a': 'once stored' });
  await removeRepo(pfs, 'gone');
  const session = pfs.context.newSession();
  const small = await session.smallFile(Buffer.from('once stored'));
  for (let i = 0; i < 3; i++) {
    pass(GRACE + HOUR);
    await collectOn(pfs);
  }
  const edits = [{ kind: 'set', path: 'small', entry: { mode: '100644', id: small.id } }] as const;
  const target = { repo: 'default/data', ref: 'master', own: false, description: '' };
  await assert.rejects(
    commitEdits(pfs.context, pfs.queue, { target, edits, session, request: ACTOR }),
    (error: Error) => /send the data again|no live pack/.test(error.message),
  );
  assert.equal(pfs.context.journal.state.branches.size, 0);
});

it('nothing is let go of when something that is reached is missing, and the object is named', async (t) => {
  const { pfs, pass, open } = await newUpkeepRig(t);
  await createRepos(pfs, 'data', 'gone');
  await put(pfs, 'gone@master', { '/a': 'x' });
  await put(pfs, 'data@master', { '/dir/a': 'y' });
  await removeRepo(pfs, 'gone');
  const victim = packIds(pfs).at(-1) ?? '';
  const bytes = await pfs.store.get(packKey(victim));
  bytes.fill(0, 20, bytes.length - 20);
  await pfs.store.put(packKey(victim), bytes);
  pass(GRACE + HOUR);
  const other = await open();
  const before = packIds(other);
  await assert.rejects(collectOn(other), { code: 'corrupt' });
  assert.deepEqual(packIds(other), before);
});

it('clocks that disagree by more than a minute stop a collection before it begins', async (t) => {
  const { pfs, store } = await newUpkeepRig(t);
  const ahead = new InstantClock(pfs.context.clock.now() + 61_000);
  const other = await openTestPfs({ t, store, clock: ahead });
  await assert.rejects(collectOn(other), { code: 'failed_precondition', message: /clock/ });
  await collectOn(pfs);
});

it('a table of the state that nobody vouches for stops a collection', () => {
  class Larger extends State {
    readonly extra = this.table<string>('extra');
  }
  assert.throws(() => [...rootsOfState(new Larger(), new Set())], { code: 'internal' });
  assert.deepEqual([...rootsOfState(new State(), new Set())], []);
});

it('what is written while a collection runs is never taken for garbage', async (t) => {
  const { pfs, pass } = await newUpkeepRig(t);
  await createRepos(pfs, 'gone', 'data');
  await put(pfs, 'gone@master', { '/a': 'written again during the walk' });
  await removeRepo(pfs, 'gone');
  pass(GRACE + HOUR);
  await collect(pfs.context, {
    graceMs: GRACE,
    dryRun: true,
    pace: new Pace({ clock: pfs.context.clock }),
  });
  // The walk is over as it were: the write comes between it and the removal.
  const { journal } = pfs.context;
  const since = journal.seq;
  const [pack = ''] = packIds(pfs);
  await put(pfs, 'data@master', { '/b': 'written again during the walk' });
  await assert.rejects(
    journal.transact(
      () => ({
        operations: [{ kind: 'packs.collected' as const, added: [], removed: [pack], since }],
        result: null,
      }),
      ACTOR,
    ),
    { code: 'conflict' },
  );
  assert.deepEqual(await readAll(pfs, 'data@master'), { b: 'written again during the walk' });
});
