import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import type { CommitRecord } from '../../../engine/journal/records.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { putBranch } from '../../../engine/pfs/branches.ts';
import { listCommits } from '../../../engine/pfs/commit-list.ts';
import { getCommit } from '../../../engine/pfs/commit-lookup.ts';
import { parentsOf } from '../../../engine/pfs/commit-scan.ts';
import { finishCommit, startCommit } from '../../../engine/pfs/commits.ts';
import { dropSet } from '../../../engine/pfs/drop.ts';
import { mergeBranch, revertCommit } from '../../../engine/pfs/merge.ts';
import { squashSet } from '../../../engine/pfs/squash.ts';
import { putTag } from '../../../engine/pfs/tags.ts';
import { gitIn, writeExport } from '../../support/git-export.ts';
import {
  ACTOR,
  createRepos,
  finishOutputs,
  link,
  openTestPfs,
  type Pfs,
  put,
  readAll,
} from '../../support/pfs.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { newSeed } from '../object/pack-rig.ts';

const repo = 'default/data';
const ROUNDS = 10;

async function commitsOf(pfs: Pfs, of: string): Promise<Map<string, CommitRecord>> {
  const found = new Map<string, CommitRecord>();
  for await (const commit of listCommits(pfs.context, of)) {
    found.set(commit.id, commit);
  }
  return found;
}

/** What must hold whatever happened: no parent or source is missing, and Git's history is ours. */
async function check(pfs: Pfs): Promise<void> {
  const { state } = pfs.context.journal;
  for (const of of ['data', 'out']) {
    const commits = await commitsOf(pfs, `default/${of}`);
    for (const commit of commits.values()) {
      for (const parent of parentsOf(commit)) {
        const above = commits.get(parent);
        assert.ok(above && above.depth < commit.depth, `${of}@${commit.id}: parent ${parent}`);
      }
      for (const link of commit.provenance) {
        await getCommit(pfs.context, link.repo, link.commit);
      }
      if (commit.git !== null) {
        const { parents, trailers, tree } = await pfs.context.objects.readCommit(commit.git);
        assert.equal(trailers[0]?.value, commit.id);
        const expected = parentsOf(commit).flatMap((id) => goodGit(commits, id));
        assert.deepEqual(parents, [...new Set(expected)], `${of}@${commit.id}`);
        assert.ok(commit.tree === null || commit.tree === tree, 'its tree stays');
      }
    }
    for (const key of state.branches.keysBy('repo', `default/${of}`)) {
      const head = state.branches.get(key)?.head ?? null;
      assert.ok(head === null || commits.has(head), `${key} has a head`);
      assert.ok(head === null || state.commits.has(`default/${of}@${head}`), 'heads are at hand');
    }
    for (const key of state.tags.keysBy('repo', `default/${of}`)) {
      assert.ok(commits.has(state.tags.get(key)?.commit ?? ''), `${key} names a commit`);
    }
  }
}

function goodGit(commits: ReadonlyMap<string, CommitRecord>, id: string): string[] {
  for (let next: string | null = id; next !== null; ) {
    const commit: CommitRecord | undefined = commits.get(next);
    if (commit?.git && commit.error === null) {
      return [commit.git];
    }
    next = commit?.parent ?? null;
  }
  return [];
}

it('keeps a history whole that two engines change at once in every way', async (t) => {
  const store = new MemoryObjectStore();
  const snapshots = { entries: 25 };
  const engines = [
    await openTestPfs({ t, store, snapshots }),
    await openTestPfs({ t, store, snapshots }),
  ] as const;
  const chance = new SeededRandom(newSeed());
  const pick = <T>(from: readonly T[]) => from[Math.floor(chance.fraction() * from.length)] as T;
  await createRepos(engines[0], 'data', 'out');
  const master = { repo, branch: 'master' };
  await link(engines[0], { branch: { ...master, repo: 'default/out' }, provenance: [master] });
  await put(engines[0], 'data@master', { first: '0' });
  await finishOutputs(engines[0]);
  await engines[1].context.journal.sync();
  let done = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const known = [...(await commitsOf(pick(engines), repo)).keys()];
    const ops = Array.from({ length: 10 }, async (_, i) => {
      const pfs = pick(engines);
      const { context } = pfs;
      const branch = pick(['master', 'dev']);
      const commit = pick(known);
      switch (
        pick([
          'put',
          'put',
          'put',
          'merge',
          'revert',
          'squash',
          'squash',
          'drop',
          'branch',
          'open',
          'tag',
        ])
      ) {
        case 'put':
          return await put(pfs, `data@${branch}`, { [`${i % 4}`]: `${round}.${i}` });
        case 'merge':
          return await mergeBranch(
            context,
            {
              repo,
              from: commit,
              into: branch,
              favour: 'theirs',
              fastForward: false,
              description: '',
            },
            ACTOR,
          );
        case 'revert':
          return await revertCommit(context, { repo, ref: commit, branch, description: '' }, ACTOR);
        case 'squash':
          return await squashSet(context, commit, ACTOR);
        case 'drop':
          return await dropSet(context, commit, ACTOR);
        case 'branch':
          return await putBranch(
            context,
            { repo, branch: pick(['dev', 'x']), head: commit },
            ACTOR,
          );
        case 'open': {
          const { id } = await startCommit(
            context,
            { repo, branch: `open${round}${i}`, parent: commit, description: '' },
            ACTOR,
          );
          return await finishCommit(context, { repo, ref: id }, ACTOR);
        }
        default:
          return await putTag(
            context,
            { repo, name: `t${i % 2}`, head: commit, description: '', force: true },
            ACTOR,
          );
      }
    });
    for (const outcome of await Promise.allSettled(ops)) {
      if (outcome.status === 'fulfilled') {
        done += 1;
      } else {
        const { reason } = outcome as { reason: unknown };
        const isRefusal = ['failed_precondition', 'not_found'].some(
          (code) => isEngineError(reason) && reason.code === code,
        );
        assert.ok(isRefusal, String(reason instanceof Error ? reason.stack : reason));
      }
    }
    await engines[0].context.journal.sync();
    await finishOutputs(engines[0]);
    await engines[1].context.journal.sync();
    await check(engines[0]);
    await check(engines[1]);
  }
  assert.ok(done > ROUNDS * 3, `${done} changes`);
  const reopened = await openTestPfs({ t, store });
  await check(reopened);
  for (const id of (await commitsOf(reopened, repo)).keys()) {
    await readAll(reopened, `data@${id}`);
  }
  const root = scratchDirectory(t);
  const [home, bare] = [join(root, 'home'), join(root, 'bare')];
  mkdirSync(home);
  mkdirSync(bare);
  await writeExport(reopened, 'data', bare);
  assert.equal(gitIn(home, root)('-C', bare, 'fsck', '--strict', '--full', '--no-dangling'), '');
});
