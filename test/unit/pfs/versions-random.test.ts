import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import { MemoryObjectStore } from '../../../engine/object/memory.ts';
import { deleteBranch, putBranch } from '../../../engine/pfs/branches.ts';
import { deleteFiles } from '../../../engine/pfs/change-files.ts';
import { listCommits, walkCommits } from '../../../engine/pfs/commit-list.ts';
import { resolveCommit } from '../../../engine/pfs/commit-lookup.ts';
import { dropSet } from '../../../engine/pfs/drop.ts';
import { mergeBranch, revertCommit } from '../../../engine/pfs/merge.ts';
import { squashSet } from '../../../engine/pfs/squash.ts';
import { deleteTag, putTag } from '../../../engine/pfs/tags.ts';
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
  target,
} from '../../support/pfs.ts';
import { scratchDirectory } from '../../support/scratch.ts';
import { mergeMaps, VersionModel } from '../../support/version-model.ts';
import { newSeed } from '../object/pack-rig.ts';

const repo = 'default/data';
const BRANCHES = ['master', 'dev', 'x'];
const STEPS = 70;

/** A random walk through everything that changes versions, on two engines, with the model beside it. */
class Walk {
  readonly model = new VersionModel();
  readonly done = new Map<string, number>();
  readonly #chance: SeededRandom;
  readonly #engines: readonly Pfs[];
  /** A pipeline reads the repo: then more is refused than the model knows reasons for. */
  readonly #isRead: boolean;

  constructor(engines: readonly Pfs[], options: { seed: number; isRead: boolean }) {
    this.#chance = new SeededRandom(options.seed);
    this.#engines = engines;
    this.#isRead = options.isRead;
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#chance.fraction() * from.length)] as T;
  }

  /** An engine that knows what the others have done. */
  async engine(): Promise<Pfs> {
    const pfs = this.#pick(this.#engines);
    await pfs.context.journal.sync();
    return pfs;
  }

  async step(): Promise<void> {
    const pfs = await this.engine();
    const steps = ['put', 'put', 'put', 'remove', 'branch', 'unbranch', 'merge', 'merge', 'revert'];
    const step = this.#pick([...steps, 'squash', 'squash', 'drop', 'tag', 'untag', 'snapshot']);
    const branch = this.#pick(BRANCHES);
    const known = [...this.model.commits.keys()];
    const commit = this.#pick(known);
    const did = await this.#take(pfs, { step, branch, commit });
    if (did) {
      this.done.set(step, (this.done.get(step) ?? 0) + 1);
    }
    await finishOutputs(pfs);
  }

  async #take(
    pfs: Pfs,
    at: { readonly step: string; readonly branch: string; readonly commit: string | undefined },
  ): Promise<boolean> {
    const { step, branch, commit } = at;
    const path = this.#pick(['a', 'b', 'd/a', 'd/b', 'd/e/a']);
    const { context } = pfs;
    const { model } = this;
    if (step === 'snapshot') {
      await context.journal.snapshot();
      return true;
    }
    if (step === 'put' || step === 'remove' || commit === undefined) {
      const value = `${this.#pick([1, 2, 3])}`;
      const files = { ...model.files(model.head(branch)) };
      const made =
        step === 'remove'
          ? await deleteFiles(context, pfs.queue, {
              target: target(`data@${branch}`),
              paths: [path],
              request: ACTOR,
            })
          : await put(pfs, `data@${branch}`, { [path]: value });
      if (step === 'remove') {
        delete files[path];
      } else {
        files[path] = value;
      }
      model.commit(branch, made.id, { files });
      return true;
    }
    switch (step) {
      case 'branch':
        await putBranch(context, { repo, branch, head: commit }, ACTOR);
        model.branches.set(branch, commit);
        return true;
      case 'unbranch':
        if (!model.branches.has(branch) || (this.#isRead && branch === 'master')) {
          return false;
        }
        await deleteBranch(context, { repo, branch, force: false }, ACTOR);
        model.branches.delete(branch);
        return true;
      case 'merge':
        return await this.#merge(pfs, { branch, commit });
      case 'revert':
        return await this.#revert(pfs, { branch, commit });
      case 'squash':
        return await this.#remove(() => squashSet(context, commit, ACTOR), {
          commit,
          isAllowed: model.canSquash(commit),
        });
      case 'drop':
        return await this.#remove(() => dropSet(context, commit, ACTOR), {
          commit,
          isAllowed: model.canDrop(commit),
        });
      case 'tag': {
        const name = this.#pick(['v1', 'v1.1', 'v2']);
        await putTag(context, { repo, name, head: commit, description: '', force: true }, ACTOR);
        model.tags.set(name, commit);
        return true;
      }
      default: {
        const [name] = model.tags.keys();
        if (name === undefined) {
          return false;
        }
        await deleteTag(context, { repo, name }, ACTOR);
        model.tags.delete(name);
        return true;
      }
    }
  }

  async #merge(
    pfs: Pfs,
    at: { readonly branch: string; readonly commit: string },
  ): Promise<boolean> {
    const { branch, commit } = at;
    const { model } = this;
    if (!model.branches.has(branch)) {
      return false;
    }
    const fastForward = this.#pick([true, false]);
    const merge = { repo, from: commit, into: branch, fastForward, description: '' };
    const result = await mergeBranch(pfs.context, merge, ACTOR);
    const head = model.head(branch);
    if (head === null || (fastForward && model.ancestors(commit).has(head) && head !== commit)) {
      assert.equal(result.outcome, 'fast_forward');
      model.branches.set(branch, commit);
      return true;
    }
    if (model.ancestors(head).has(commit)) {
      assert.equal(result.outcome, 'up_to_date');
      return false;
    }
    const bases = model.bases(head, commit);
    const outcomes = (bases.length === 0 ? [null] : bases).map((base) =>
      mergeMaps(model.files(base), model.files(head), model.files(commit)),
    );
    // Of several bases any one may be taken.
    if (result.outcome === 'conflicts') {
      const paths = result.conflicts.map((conflict) => conflict.path).sort();
      assert.ok(
        outcomes.some(({ conflicts }) => conflicts.join() === paths.join()),
        `in conflict: ${paths.join()}, not as in ${JSON.stringify(outcomes)}`,
      );
      return false;
    }
    assert.equal(result.outcome, 'merged');
    const files = await readAll(pfs, `data@${branch}`);
    const merged = JSON.stringify(sorted(files));
    assert.ok(
      outcomes.some((one) => one.conflicts.length === 0 && JSON.stringify(one.merged) === merged),
      `merged: ${merged}, not as in ${JSON.stringify(outcomes)}`,
    );
    model.commit(branch, result.commit?.id ?? '', { files, merged: commit });
    return true;
  }

  async #revert(
    pfs: Pfs,
    at: { readonly branch: string; readonly commit: string },
  ): Promise<boolean> {
    const { branch, commit } = at;
    const { model } = this;
    const head = model.head(branch);
    if (head === null) {
      return false;
    }
    const base = model.files(commit);
    const theirs = model.files(model.commits.get(commit)?.parents[0] ?? null);
    const ours = model.files(head);
    const expected = mergeMaps(base, ours, theirs);
    const isNothing = JSON.stringify(sorted(ours)) === JSON.stringify(expected.merged);
    const revert = { repo, ref: commit, branch, description: '' };
    try {
      const result = await revertCommit(pfs.context, revert, ACTOR);
      if (result.outcome === 'conflicts') {
        const paths = result.conflicts.map((conflict) => conflict.path).sort();
        assert.deepEqual(paths, expected.conflicts);
        return false;
      }
      assert.deepEqual(expected.conflicts, []);
      model.commit(branch, result.commit?.id ?? '', { files: expected.merged });
      return true;
    } catch (error) {
      assert.ok(isEngineError(error, 'failed_precondition') && isNothing, String(error));
      return false;
    }
  }

  async #remove(
    remove: () => Promise<unknown>,
    at: { readonly commit: string; readonly isAllowed: boolean },
  ): Promise<boolean> {
    try {
      await remove();
    } catch (error) {
      assert.ok(isEngineError(error, 'failed_precondition'), String(error));
      assert.ok(!at.isAllowed || this.#isRead, String(error));
      return false;
    }
    assert.ok(at.isAllowed, `${at.commit} was removed`);
    this.model.remove(at.commit);
    return true;
  }

  /** Compares everything that can be asked with the model. */
  async check(pfs: Pfs): Promise<void> {
    const { context } = pfs;
    const { model } = this;
    await context.journal.sync();
    const found = new Map<string, string[]>();
    for await (const { id, parent, merged } of listCommits(context, repo)) {
      found.set(
        id,
        [parent, merged].filter((one) => one !== null && one !== undefined),
      );
    }
    const parents = Array.from(model.commits, ([id, commit]) => [id, commit.parents] as const);
    assert.deepEqual(sorted(Object.fromEntries(found)), sorted(Object.fromEntries(parents)));
    for (const id of model.commits.keys()) {
      assert.deepEqual(await readAll(pfs, `data@${id}`), model.files(id), id);
    }
    for (const [branch, head] of model.branches) {
      assert.deepEqual(await readAll(pfs, `data@${branch}`), model.files(head), branch);
      const line: string[] = [];
      for await (const { id } of walkCommits(context, repo, branch)) {
        line.push(id);
      }
      assert.deepEqual(line, model.line(head));
      for (const [i, id] of line.entries()) {
        assert.equal((await resolveCommit(context, repo, `${branch}^${i}`)).id, id);
        assert.equal((await resolveCommit(context, repo, `${branch}.${line.length - i}`)).id, id);
      }
      assert.deepEqual(await gitAncestors(pfs, head), [...model.ancestors(head)].sort());
    }
    for (const [tag, commit] of model.tags) {
      assert.equal((await resolveCommit(context, repo, tag)).id, commit);
    }
  }
}

function sorted<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns the Pfs ids in the Git history of a commit. */
async function gitAncestors(pfs: Pfs, head: string | null): Promise<string[]> {
  const first = head === null ? null : (await resolveCommit(pfs.context, repo, head)).git;
  const seen = new Set<string>();
  const ids = new Set<string>();
  const todo = first === null ? [] : [first];
  for (let git = todo.pop(); git !== undefined; git = todo.pop()) {
    if (!seen.has(git)) {
      seen.add(git);
      const { trailers, parents } = await pfs.context.objects.readCommit(git);
      ids.add(trailers.find(({ key }) => key === 'Pfs-Commit')?.value ?? '');
      todo.push(...parents);
    }
  }
  return [...ids].sort();
}

async function exportChecked(t: TestContext, pfs: Pfs, model: VersionModel): Promise<void> {
  const root = scratchDirectory(t);
  const [home, bare] = [join(root, 'home'), join(root, 'bare')];
  mkdirSync(home);
  mkdirSync(bare);
  await writeExport(pfs, 'data', bare);
  const git = gitIn(home, root);
  assert.equal(git('-C', bare, 'fsck', '--strict', '--full', '--no-dangling'), '');
  const heads = [...model.branches.values()].filter((head) => head !== null);
  const reached = new Set(
    [...heads, ...model.tags.values()].flatMap((id) => [...model.ancestors(id)]),
  );
  const shown = reached.size === 0 ? '' : git('-C', bare, 'log', '--all', '--format=%(trailers)');
  const ids = [...shown.matchAll(/Pfs-Commit: ([0-9a-f]{32})/g)].map(([, id]) => id);
  assert.deepEqual(ids.sort(), [...reached].sort());
  assert.deepEqual(
    git('-C', bare, 'tag').split('\n').filter(Boolean),
    [...model.tags.keys()].sort(),
  );
}

for (const isRead of [false, true]) {
  it(`keeps to a model in random changes of versions${isRead ? ', with a reader' : ''}`, async (t) => {
    const store = new MemoryObjectStore();
    const engines = [await openTestPfs({ t, store }), await openTestPfs({ t, store })];
    const [first] = engines as [Pfs, Pfs];
    await createRepos(first, 'data');
    if (isRead) {
      await createRepos(first, 'out');
      const source = { repo, branch: 'master' };
      await link(first, {
        branch: { repo: 'default/out', branch: 'master' },
        provenance: [source],
      });
    }
    const walk = new Walk(engines, { seed: newSeed(), isRead });
    for (let i = 0; i < STEPS; i++) {
      await walk.step();
      if (i % 10 === 9) {
        await walk.check(await walk.engine());
      }
    }
    await walk.check(await openTestPfs({ t, store }));
    await exportChecked(t, await walk.engine(), walk.model);
    assert.ok((walk.done.get('put') ?? 0) > 5, 'something was done');
  });
}
