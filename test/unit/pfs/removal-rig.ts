// What tests of removals share: two repos, one made from the other, and all that can be asked about their commits.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { CommitRecord } from '../../../engine/journal/records.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { listCommits, listSetIds, walkCommits } from '../../../engine/pfs/commit-list.ts';
import { resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { dropSet } from '../../../engine/pfs/drop.ts';
import { squashSet } from '../../../engine/pfs/squash.ts';
import {
  ACTOR,
  createRepos,
  finishOutputs,
  link,
  openTestPfs,
  type Pfs,
  put,
} from '../../support/pfs.ts';

export const data = { repo: 'default/data', branch: 'master' };
export const out = { repo: 'default/out', branch: 'master' };

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) {
    items.push(item);
  }
  return items;
}

/** Two repos, one made from the other, with some commits in each; returns the ids of the sets. */
export async function rig(t: TestContext, count = 5) {
  const store = new MemoryObjectStore();
  const pfs = await openTestPfs({ t, store });
  await createRepos(pfs, 'data', 'out');
  await link(pfs, { branch: out, provenance: [data] });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push((await put(pfs, 'data@master', { [`${i}`]: `${i}` })).id);
    await finishOutputs(pfs);
  }
  const squash = (id: string, by = pfs) => squashSet(by.context, id, ACTOR);
  const drop = (id: string, by = pfs) => dropSet(by.context, id, ACTOR);
  return { store, pfs, ids, squash, drop };
}

/** Everything that can be asked about the commits of `data`, on this engine and on one that opens the store now. */
export async function facts(pfs: Pfs, repo = data.repo) {
  const { context } = pfs;
  const line = await collect(walkCommits(context, repo, 'master'));
  const byNumber: string[] = [];
  for (const [i] of line.entries()) {
    byNumber.push((await resolveCommit(context, repo, `master.${line.length - i}`)).id);
    byNumber.push((await resolveCommit(context, repo, `master^${i}`)).id);
  }
  await assert.rejects(resolveCommit(context, repo, `master^${line.length}`), {
    message: new RegExp(`only ${line.length} commits? leads? to "master"`),
  });
  return {
    line: line.map(({ id }) => id),
    byNumber,
    all: (await collect(listCommits(context, repo))).map(({ id }) => id),
    sets: await collect(listSetIds(context)),
    git: await gitLine(pfs, line[0]),
  };
}

/** Returns the Pfs ids that the Git commits from a commit upwards name. */
export async function gitLine(pfs: Pfs, commit: CommitRecord | undefined): Promise<string[]> {
  const ids: string[] = [];
  for (let git = commit?.git ?? undefined; git; ) {
    const { trailers, parents } = await pfs.context.objects.readCommit(git);
    ids.push(trailers.find(({ key }) => key === 'Pfs-Commit')?.value ?? '');
    [git] = parents;
  }
  return ids;
}
