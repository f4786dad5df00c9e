// A store with many finished commits, made by the journal itself: what as many puts would have left of the journal, its
// snapshots and its history, without their contents.

import { IdMaker } from '../../engine/base/ids.ts';
import { SystemRandom } from '../../engine/base/random.ts';
import { SystemClock } from '../../engine/base/system-clock.ts';
import { Journal } from '../../engine/journal/journal.ts';
import type { Operation } from '../../engine/journal/operations.ts';
import { definition } from '../../engine/journal/pfs-definition.ts';
import type { CommitRecord } from '../../engine/journal/records.ts';
import type { State } from '../../engine/journal/state.ts';
import { FilesystemObjectStore } from '../../engine/object/filesystem.ts';
import { openFormat } from '../../engine/object/format.ts';

const REPOS = 10;
/** Commits of one transaction: an entry stays far below the largest object. */
const COMMITS_OF_AN_ENTRY = 2000;
const TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Makes a store in `folder` with `count` finished commits in ten repos; returns the folder. */
export async function makeHistory(folder: string, count: number): Promise<string> {
  const clock = new SystemClock();
  const random = new SystemRandom();
  const ids = new IdMaker(clock, random);
  const store = await FilesystemObjectStore.open(folder, { clock, random });
  await openFormat(store, { newId: () => ids.next() });
  const journal = await Journal.open<State, Operation>({
    store,
    definition,
    clock,
    random,
    engine: '0'.repeat(32),
    snapshots: { entries: 10 },
  });
  const commit = (operations: Operation[]) =>
    journal.transact(() => ({ operations, result: null }), { actor: 'bench' });
  const heads = Array.from({ length: REPOS }, (_, i) => ({
    repo: `default/repo${i}`,
    last: undefined as CommitRecord | undefined,
  }));
  for (const { repo } of heads) {
    const created = clock.now();
    await commit([
      {
        kind: 'repo.created',
        repo: { key: repo, id: ids.next(), kind: 'user', description: '', created },
      },
      {
        kind: 'branch.put',
        branch: { repo, name: 'master', head: null, provenance: [], created },
      },
    ]);
  }
  for (let done = 0; done < count; ) {
    const operations: Operation[] = [];
    for (const head of heads) {
      for (let i = 0; i < COMMITS_OF_AN_ENTRY / REPOS && done < count; i += 1) {
        const time = clock.now();
        const record = newCommit(head.repo, head.last, { id: ids.next(), time });
        operations.push(
          { kind: 'commit.started', commit: record },
          {
            ...{ kind: 'commit.finished', repo: head.repo, commit: record.id, time },
            ...{ tree: TREE, git: TREE, size: 0, files: 0, error: null },
          },
          { kind: 'branch.moved', repo: head.repo, branch: 'master', head: record.id },
        );
        head.last = record;
        done += 1;
      }
    }
    await commit(operations);
  }
  await journal.snapshot();
  await journal.close();
  return folder;
}

function newCommit(
  repo: string,
  parent: CommitRecord | undefined,
  { id, time }: { readonly id: string; readonly time: number },
): CommitRecord {
  return {
    ...{ repo, id, branch: 'master', parent: parent?.id ?? null, depth: (parent?.depth ?? -1) + 1 },
    ...{ origin: 'user', description: '', started: time, finished: null, error: null },
    ...{ provenance: [], tree: TREE, git: null, size: 0, files: 0, edits: [] },
    ...{ pipeline: null, image: null },
  };
}
