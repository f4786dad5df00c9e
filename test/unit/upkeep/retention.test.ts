import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { CommitRecord, RetentionRecord } from '../../../engine/journal/records.ts';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { listCommits } from '../../../engine/pfs/commit-list.ts';
import { startCommit } from '../../../engine/pfs/commits.ts';
import { keepCommits } from '../../../engine/pfs/repos.ts';
import { putTag } from '../../../engine/pfs/tags.ts';
import { undeleteCommit } from '../../../engine/pfs/undelete.ts';
import { retainedIds } from '../../../engine/upkeep/retention.ts';
import {
  ACTOR,
  createRepos,
  finishOutputs,
  link,
  type Pfs,
  put,
  readAll,
} from '../../support/pfs.ts';
import { checkByGit } from './git-check.ts';
import { collectOn, GRACE, HOUR, newUpkeepRig } from './upkeep-rig.ts';

const DAY = 24 * HOUR;

async function keep(pfs: Pfs, repo: string, setting: RetentionRecord | null): Promise<void> {
  await keepCommits(pfs.context, { key: `default/${repo}`, keep: setting }, ACTOR);
}

async function idsOf(pfs: Pfs, repo: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of listCommits(pfs.context, `default/${repo}`)) {
    ids.push(id);
  }
  return ids;
}

/** Makes commits a day apart; returns their ids, oldest first. */
async function days(
  rig: { pfs: Pfs; pass(ms: number): void },
  to: string,
  count: number,
): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push((await put(rig.pfs, to, { '/file': `${to} ${i}` })).id);
    rig.pass(DAY);
  }
  return ids;
}

it('the last commits of each branch and those of the last days stay, whichever says so', async (t) => {
  const rig = await newUpkeepRig(t);
  const { pfs } = rig;
  await createRepos(pfs, 'data');
  const ids = await days(rig, 'data@master', 8);
  assert.equal((await collectOn(pfs)).expired, 0, 'without a setting all stay');
  await keep(pfs, 'data', { last: 2, forMs: null });
  assert.equal((await collectOn(pfs, { dryRun: true })).expired, 6);
  assert.deepEqual(await idsOf(pfs, 'data'), [...ids].reverse(), 'a dry run lets none go');
  await keep(pfs, 'data', { last: 2, forMs: 4 * DAY + HOUR });
  assert.equal((await collectOn(pfs)).expired, 4);
  assert.deepEqual(await idsOf(pfs, 'data'), ids.slice(4).reverse());
  await keep(pfs, 'data', { last: 1, forMs: null });
  await pfs.context.journal.snapshot();
  assert.equal((await collectOn(pfs)).expired, 3);
  assert.deepEqual(await idsOf(pfs, 'data'), ids.slice(7));
  assert.deepEqual(await readAll(pfs, 'data@master'), { file: 'data@master 7' });
});

it('what stays begins its history there: refs above say so, and a clone is shallow', async (t) => {
  const rig = await newUpkeepRig(t);
  const { pfs, pass, open } = rig;
  await createRepos(pfs, 'data');
  const ids = await days(rig, 'data@master', 6);
  await keep(pfs, 'data', { last: 3, forMs: null });
  for (let i = 0; i < 4; i++) {
    pass(GRACE + HOUR);
    await collectOn(pfs);
  }
  assert.equal(pfs.context.journal.state.trash.size, 0);
  const other = await open();
  assert.deepEqual(await readAll(other, 'data@master^2'), { file: 'data@master 3' });
  await assert.rejects(readAll(other, 'data@master^3'), { code: 'not_found' });
  await assert.rejects(readAll(other, `data@${ids[0]}`), { code: 'not_found' });
  assert.deepEqual(await readAll(other, 'data@master.1'), { file: 'data@master 3' });
  const dir = await checkByGit(t, other, 'data');
  assert.equal(readFileSync(join(dir, 'shallow'), 'utf8').trim().length, 40);
  const count = execFileSync('git', ['-C', dir, 'rev-list', '--count', 'master']).toString();
  assert.equal(count.trim(), '3');
});

it('heads, tags, open commits and what other repos were made from stay', async (t) => {
  const rig = await newUpkeepRig(t);
  const { pfs } = rig;
  await createRepos(pfs, 'data', 'output');
  const ids = await days(rig, 'data@master', 3);
  const branch = { repo: 'default/output', branch: 'master' };
  await link(pfs, { branch, provenance: [{ repo: 'default/data', branch: 'master' }] });
  const source = (await put(pfs, 'data@master', { '/file': 'read' })).id;
  await finishOutputs(pfs);
  const more = await days(rig, 'data@master', 4);
  const data = { repo: 'default/data' };
  const tag = { ...data, name: 'v1', head: ids[0] ?? '', description: '', force: false };
  await putTag(pfs.context, tag, ACTOR);
  await putBranch(pfs.context, { ...data, branch: 'side', head: ids[2] ?? '' }, ACTOR);
  const base = more[1] ?? '';
  const open = await startCommit(
    pfs.context,
    { ...data, branch: 'work', parent: base, description: '' },
    ACTOR,
  );
  await finishOutputs(pfs);
  await pfs.context.journal.snapshot();
  await keep(pfs, 'data', { last: 1, forMs: null });
  // What an output was made from stays as long as the output does.
  await keep(pfs, 'output', { last: 1, forMs: null });
  await collectOn(pfs);
  await collectOn(pfs);
  const left = new Set(await idsOf(pfs, 'data'));
  for (const id of [ids[0], ids[2], base, open.id, more.at(-1)]) {
    assert.ok(left.has(id ?? ''), `${id} stays`);
  }
  assert.ok(!left.has(ids[1] ?? ''));
  assert.ok(!left.has(source) || (await idsOf(pfs, 'output')).length > 1);
  assert.deepEqual(await readAll(pfs, 'data@v1'), { file: 'data@master 0' });
});

it('a commit that was let go comes back from the trash, with its bytes, and stands by itself', async (t) => {
  const rig = await newUpkeepRig(t);
  const { pfs, pass } = rig;
  await createRepos(pfs, 'data');
  const ids = await days(rig, 'data@master', 4);
  await keep(pfs, 'data', { last: 1, forMs: null });
  await collectOn(pfs);
  await pfs.context.journal.snapshot();
  const id = ids[1] ?? '';
  await assert.rejects(readAll(pfs, `data@${id}`), { code: 'not_found' });
  await undeleteCommit(pfs.context, { repo: 'default/data', id }, ACTOR);
  assert.deepEqual(await readAll(pfs, `data@${id}`), { file: 'data@master 1' });
  await putBranch(pfs.context, { repo: 'default/data', branch: 'back', head: id }, ACTOR);
  await pfs.context.journal.snapshot();
  for (let i = 0; i < 3; i++) {
    pass(GRACE + HOUR);
    await collectOn(pfs);
  }
  assert.deepEqual(await readAll(pfs, 'data@back'), { file: 'data@master 1' });
  await checkByGit(t, pfs, 'data');
  await assert.rejects(undeleteCommit(pfs.context, { id: ids[0] ?? '' }, ACTOR), {
    code: 'not_found',
  });
});

it('below a failed commit the last good one stays, since its files are what children inherit', () => {
  const commit = (id: string, fields: Partial<CommitRecord>): [string, CommitRecord] => [
    id,
    { id, repo: 'default/r', finished: 1, error: null, parent: null, ...fields } as CommitRecord,
  ];
  const commits = new Map([
    commit('d', { parent: 'c', error: 'failed' }),
    commit('c', { parent: 'b', error: 'failed' }),
    commit('b', { parent: 'a' }),
    commit('a', {}),
  ]);
  const repo = { key: 'default/r', keep: { last: 1, forMs: null } };
  const kept = retainedIds(
    { commits, heads: ['d'], tags: [] },
    { repo, now: 10, sources: new Set() },
  );
  assert.deepEqual([...kept].sort(), ['b', 'c', 'd']);
});

it('retention goes on beside somebody who commits all the while, and loses none of it', async (t) => {
  const rig = await newUpkeepRig(t);
  const { pfs, open } = rig;
  await createRepos(pfs, 'data');
  await days(rig, 'data@master', 10);
  await keep(pfs, 'data', { last: 2, forMs: null });
  const other = await open();
  const made: string[] = [];
  const write = async () => {
    for (let i = 0; i < 20; i++) {
      made.push((await put(other, 'data@master', { [`/new${i}`]: `${i}` })).id);
    }
  };
  await Promise.all([write(), collectOn(pfs), collectOn(pfs)]);
  await pfs.context.journal.sync();
  const files = await readAll(pfs, 'data@master');
  assert.equal(Object.keys(files).length, 21);
  await collectOn(pfs);
  assert.deepEqual(await idsOf(pfs, 'data'), made.slice(-2).reverse());
  await checkByGit(t, pfs, 'data');
});
