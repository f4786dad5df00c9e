// What happens in the simulated world of upkeep: people who write, quickly, slowly and over hours, who delete and want it
// back; engines that merge, collect, freeze and die.

import { EngineError, isEngineError } from '../../engine/base/errors.ts';
import { deleteBranch, putBranch } from '../../engine/pfs/branches.ts';
import { copyFile, deleteFiles } from '../../engine/pfs/change-files.ts';
import { listCommits } from '../../engine/pfs/commit-list.ts';
import { finishCommit, startCommit } from '../../engine/pfs/commits.ts';
import { dropSet } from '../../engine/pfs/drop.ts';
import { deleteRepo } from '../../engine/pfs/repos.ts';
import { undeleteBranch, undeleteCommit, undeleteRepo } from '../../engine/pfs/undelete.ts';
import { putFiles } from '../../engine/pfs/upload.ts';
import { collect } from '../../engine/upkeep/collector.ts';
import { Pace } from '../../engine/upkeep/pace.ts';
import { ACTOR, target } from '../support/pfs.ts';
import { FAIR } from './network.ts';
import { UpkeepJobs } from './upkeep-jobs.ts';
import { type Acts, ENGINES, type Remembered, SAYABLE, type UpkeepWorld } from './upkeep-world.ts';

const BRANCHES = ['master', 'master', 'dev', 'x'];
const PATHS = ['f', 'd/f', 'd/e/f', 'd/e/g', 'x/y', 'x/z'];

/** The acts of people and engines. */
export class UpkeepActors implements Acts {
  readonly world: UpkeepWorld;

  readonly #jobs: UpkeepJobs;

  constructor(world: UpkeepWorld) {
    this.world = world;
    this.#jobs = new UpkeepJobs(world);
  }

  feed(): Promise<void> {
    return this.#jobs.feed();
  }

  changePipeline(): Promise<void> {
    return this.#jobs.change();
  }

  /** Small ones, since threads that hash large ones answer when they like. Few different ones: much of what is written was there before, and was let go of meanwhile. */
  files(): Record<string, Buffer> {
    const files: Record<string, Buffer> = {};
    for (let count = 1 + this.world.upTo(4); count > 0; count--) {
      const content = this.world.upTo(12);
      const isLarge = this.world.random.fraction() < 0.15;
      files[this.world.pick(PATHS)] = isLarge
        ? Buffer.from(`stored as a large file is what names git-lfs: ${content}`)
        : Buffer.from(`content ${content} `.repeat(1 + (content % 5) * 5));
    }
    if (this.world.random.fraction() < 0.3) {
      for (let i = 0; i < 40; i++) {
        files[`many/file-${i}`] = Buffer.from(`many ${(i * this.world.upTo(5)) % 7}`);
      }
    }
    return files;
  }

  async write(): Promise<void> {
    const to = `${this.world.pick(this.world.repos)}@${this.world.pick(BRANCHES)}`;
    const dice = this.world.random.fraction();
    if (dice < 0.7) {
      await this.put(to, this.files(), 0);
    } else if (dice < 0.8) {
      const path = this.world.pick(['d', 'x', 'f', 'many']);
      const commit = await this.world.try(`delete ${to}:${path}`, (engine) =>
        deleteFiles(engine.context, engine.queue, {
          target: target(to),
          paths: [path],
          request: ACTOR,
        }),
      );
      await this.world.remember(to, commit);
    } else {
      const from = this.world.pick(this.world.commits.filter(({ state }) => state === 'there'));
      const path = from && [...from.files.keys()][0]?.split('/')[0];
      if (from && path) {
        const commit = await this.world.try(
          `copy ${from.repo}@${from.id}:${path} to ${to}`,
          (engine) =>
            copyFile(engine.context, engine.queue, {
              source: { repo: `default/${from.repo}`, ref: from.id, path },
              target: target(to),
              path: 'copied',
              append: false,
              request: ACTOR,
            }),
        );
        await this.world.remember(to, commit);
      }
    }
  }

  /** An upload that takes as long as the grace period, or longer. */
  async writeSlowly(): Promise<void> {
    const to = `${this.world.pick(this.world.repos)}@${this.world.pick(BRANCHES)}`;
    await this.put(to, this.files(), this.world.random.fraction() * 2.5 * this.world.graceMs);
  }

  async put(to: string, files: Record<string, Buffer>, slownessMs: number): Promise<void> {
    const { loop } = this.world;
    const entries = Object.entries(files);
    const parts = async function* () {
      for (const [path, data] of entries) {
        await loop.sleep(slownessMs / entries.length);
        yield [{ path, executable: false, data, first: true, last: true }];
      }
      await loop.sleep(slownessMs / 2);
    };
    const engine = this.world.pick(this.world.engines);
    loop.note(`${engine.name}: put ${entries.length} files to ${to}, in ${slownessMs} ms`);
    const doing = putFiles(engine.context, engine.queue, {
      target: target(to),
      append: false,
      parts: parts(),
      request: ACTOR,
    });
    doing.catch(() => undefined);
    try {
      await this.world.remember(to, await Promise.race([doing, engine.killed]), files);
    } catch (error) {
      loop.note(`${engine.name}: put to ${to}: ${(error as Error).message}`);
      if (!(error instanceof EngineError) || !SAYABLE.has(error.code)) {
        throw error;
      }
      this.world.count(
        /is gone, since the write took longer/.test(error.message) ? 'too late' : 'refused',
      );
    }
  }

  /** A commit that stays open for hours, with edits all along. */
  async writeOpen(): Promise<void> {
    const repo = this.world.pick(this.world.repos);
    const branch = `open${this.world.upTo(2)}`;
    const commit = await this.world.try(`start ${repo}@${branch}`, (engine) =>
      startCommit(engine.context, { repo: `default/${repo}`, branch, description: '' }, ACTOR),
    );
    if (!commit) {
      return;
    }
    for (let edits = this.world.upTo(4); edits > 0; edits--) {
      await this.put(`${repo}@${branch}`, this.files(), 0);
      await this.world.loop.sleep(this.world.random.fraction() * this.world.graceMs);
    }
    const finished = await this.world.try(`finish ${repo}@${commit.id}`, (engine) =>
      finishCommit(engine.context, { repo: `default/${repo}`, ref: commit.id }, ACTOR),
    );
    await this.world.remember(`${repo}@${branch}`, finished);
  }

  async delete(): Promise<void> {
    const slot = this.world.upTo(this.world.repos.length);
    const repo = this.world.repos[slot] ?? '';
    const dice = this.world.random.fraction();
    if (dice < 0.4) {
      this.world.fading.add(repo);
      this.world.forget(({ repo: of }) => of === repo);
      await this.world.try(`delete repo ${repo}`, (engine) =>
        deleteRepo(engine.context, { key: `default/${repo}`, force: true }, ACTOR),
      );
      await this.world.makeRepo(slot);
    } else if (dice < 0.7) {
      const branch = this.world.pick(BRANCHES);
      await this.world.try(`delete branch ${repo}@${branch}`, (engine) =>
        deleteBranch(engine.context, { repo: `default/${repo}`, branch, force: true }, ACTOR),
      );
    } else {
      const commit = this.world.pick(this.world.commits.filter(({ repo: of }) => of === repo));
      if (commit && dice < 0.85) {
        const before = commit.state;
        commit.state = 'gone';
        const dropped = await this.world.try(`drop ${repo}@${commit.id}`, (engine) =>
          dropSet(engine.context, commit.id, ACTOR),
        );
        commit.state = dropped ? 'gone' : await this.isThere(commit, before);
      } else if (commit) {
        await this.world.try(`move ${repo}@x to ${commit.id}`, (engine) =>
          putBranch(
            engine.context,
            { repo: `default/${repo}`, branch: 'x', head: commit.id },
            ACTOR,
          ),
        );
      }
    }
  }

  /** After a drop that was refused, or of which nobody knows yet how it will end: an engine that is frozen may yet do it. */
  async isThere(commit: Remembered, before: Remembered['state']): Promise<Remembered['state']> {
    if (this.world.unanswered.has(`drop ${commit.repo}@${commit.id}`)) {
      return 'gone';
    }
    const engine = await this.world.start(FAIR);
    try {
      for await (const { id } of listCommits(engine.context, `default/${commit.repo}`)) {
        if (id === commit.id) {
          return before;
        }
      }
    } catch (error) {
      if (!isEngineError(error, 'not_found')) {
        throw error;
      }
    } finally {
      engine.kill();
    }
    return 'gone';
  }

  async undelete(): Promise<void> {
    const engine = this.world.pick(this.world.engines);
    const record = this.world.pick([...engine.context.journal.state.trash.values()]);
    if (record?.kind === 'repo') {
      const name = record.repo.key.replace('default/', '');
      const back = await this.world.try(`undelete repo ${name}`, (on) =>
        undeleteRepo(on.context, record.repo.key, ACTOR),
      );
      if (back) {
        this.world.count('undeleted');
        for (const commit of this.world.commits.filter(({ repo }) => repo === name)) {
          // What is back has all its bytes.
          await this.world.check(commit);
        }
        this.world.forget(({ repo }) => repo === name);
        await this.world.try(`delete repo ${name} again`, (on) =>
          deleteRepo(on.context, { key: record.repo.key, force: true }, ACTOR),
        );
      }
    } else if (record?.kind === 'branch') {
      const { repo, name: branch } = record.branch;
      await this.world.try(`undelete branch ${repo}@${branch}`, (on) =>
        undeleteBranch(on.context, { repo, branch }, ACTOR),
      );
    } else if (record?.kind === 'commit') {
      const { id, repo } = record.commit;
      const back = await this.world.try(`undelete commit ${repo}@${id}`, (on) =>
        undeleteCommit(on.context, { repo, id }, ACTOR),
      );
      const known = this.world.commits.find((commit) => commit.id === id);
      if (back && known) {
        this.world.count('undeleted');
        await this.world.check(known);
      }
    }
  }

  async compact(): Promise<void> {
    await this.world.try('compact', async (engine) => {
      const { clock } = engine.context;
      const minPacks = this.world.random.fraction() < 0.5 ? 2 : 8;
      const { removed } = await engine.compactor.compact({ minPacks, pace: new Pace({ clock }) });
      this.world.count('merged', removed);
    });
  }

  async collect(): Promise<void> {
    await this.world.try('collect', async (engine) => {
      const { clock } = engine.context;
      const dryRun = this.world.random.fraction() < 0.1;
      const report = await collect(engine.context, {
        graceMs: this.world.graceMs,
        dryRun,
        pace: new Pace({ clock }),
        memory: engine.memory,
        pruneResults: (pipeline, options) => engine.pruning.prune(pipeline, options),
      });
      if (!dryRun) {
        this.world.count('collected', report.dead.count + report.sparse.count);
        this.world.count('deleted', report.deleted.count);
        this.world.count('orphans', report.orphans.count);
        this.world.count('pages', report.pages.count);
        this.world.count('busy', report.busy.count);
        this.world.count('expired', report.expired);
        this.world.count('results', report.results);
      }
    });
  }

  async kill(): Promise<void> {
    const slot = this.world.upTo(ENGINES);
    const engine = this.world.engines[slot];
    if (this.world.random.fraction() < 0.5 && engine) {
      const ms = this.world.random.fraction() * 3 * this.world.graceMs;
      this.world.loop.note(`${engine.name} is frozen for ${Math.round(ms)} ms`);
      engine.owner.frozenUntil = this.world.loop.time + ms;
      return;
    }
    this.world.loop.note(`${engine?.name} is killed`);
    engine?.kill();
    this.world.engines[slot] = await this.world.start(this.world.weather, slot);
  }
}
