import assert from 'node:assert/strict';
import { it } from 'node:test';
import { walkCommits } from '../../../engine/pfs/commit-list.ts';
import { resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { GitRewrite } from '../../../engine/pfs/git-rewrite.ts';
import { historyOf } from '../../../engine/pfs/settled.ts';
import { ACTOR, finishOutputs, openTestPfs, put } from '../../support/pfs.ts';
import { collect, data, facts, out, rig } from './removal-rig.ts';

it('finds children and readers whose ids a transaction took long before', async (t) => {
  const { store, pfs, ids, squash, drop } = await rig(t, 2);
  const head = await resolveCommit(pfs.context, data.repo, 'master');
  const week = 7 * 24 * 60 * 60 * 1000;
  const time = Number.parseInt(head.id.slice(0, 12), 16) - week;
  const early = time.toString(16).padStart(12, '0') + head.id.slice(12);
  const nothing = { tree: head.tree, git: head.git, size: 0, files: 0 };
  const late = { ...head, id: early, parent: head.id, depth: head.depth + 1, finished: null };
  const made = {
    ...late,
    repo: out.repo,
    parent: null,
    provenance: [{ ...data, commit: head.id }],
  };
  await pfs.context.journal.transact(
    () => ({
      operations: [late, made].flatMap((commit) => [
        { kind: 'commit.started' as const, commit },
        {
          kind: 'commit.finished' as const,
          repo: commit.repo,
          commit: early,
          time: head.started,
          ...nothing,
          error: null,
        },
      ]),
      result: null,
    }),
    ACTOR,
  );
  await pfs.context.journal.snapshot();
  const reopened = await openTestPfs({ t, store });
  assert.ok(
    !reopened.context.journal.state.commits.has(`default/data@${early}`),
    'it is in history',
  );
  await assert.rejects(drop(head.id, reopened), {
    message: new RegExp(`commit set ${early} was made`),
  });
  await squash(ids[0] ?? '');
  const child = await resolveCommit(pfs.context, data.repo, early);
  assert.notEqual(child.git, head.git, 'a descendant too');
});

it('leaves a whole history where it is cut off at any batch, and goes on from there', async (t) => {
  const { store, pfs, ids, squash } = await rig(t, 12);
  const gone = await resolveCommit(pfs.context, data.repo, ids[1] ?? '');
  const history = () => historyOf(pfs.context.journal.state, data.repo);
  for (const sessions of [0, 1, 2, 10]) {
    let left = sessions;
    const failing = {
      ...pfs.context,
      newSession: () => {
        left -= 1;
        if (left < 0) {
          throw new Error('cut off');
        }
        return pfs.context.newSession();
      },
    };
    const rewrite = new GitRewrite(failing, { gone, history: history(), batch: 3 });
    await rewrite.run().catch((error: Error) => assert.equal(error.message, 'cut off'));
    // The commit is there as before, and whichever history the head has now is a whole one.
    const engine = await openTestPfs({ t, store });
    const line = (await collect(walkCommits(engine.context, data.repo, 'master'))).map(
      ({ id }) => id,
    );
    assert.deepEqual(line, ids.toReversed());
    assert.deepEqual((await facts(engine)).git, ids.toReversed());
  }
  const { id } = await put(pfs, 'data@master', { later: 'x' });
  await finishOutputs(pfs);
  await squash(gone.id);
  const left = [...ids.filter((one) => one !== gone.id), id].toReversed();
  assert.deepEqual((await facts(await openTestPfs({ t, store }))).git, left);
});
