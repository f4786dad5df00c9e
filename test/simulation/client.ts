// A client of a simulated world: it asks for changes until it is told what became of them, always under one id, and
// compares what it reads with what must be there.

import assert from 'node:assert/strict';
import { EngineError, isEngineError } from '../../engine/base/errors.ts';
import type { SeededRandom } from '../../engine/base/random.ts';
import { putBranch } from '../../engine/pfs/branches.ts';
import { deleteFiles } from '../../engine/pfs/change-files.ts';
import { finishCommit, startCommit } from '../../engine/pfs/commits.ts';
import { answerOnce, type Request } from '../../engine/pfs/context.ts';
import { put, readBytes, target } from '../support/pfs.ts';
import { isPassing, type SimulatedEngine } from './engine.ts';
import { MAX_LATE_MS } from './network.ts';
import { type Asked, type ModelEdit, sorted } from './witness.ts';
import type { World } from './world.ts';

const REPOS = ['a', 'b'];
const BRANCHES = ['master', 'master', 'dev'];
const PATHS = ['f', 'd/f', 'd/e/f', 'x/y', 'x/z'];
const PATIENCE_MS = 20_000;
const TIMED_OUT = new EngineError('unavailable', 'Cannot wait any longer for an answer');

/** What no client is ever told: nothing in these worlds is damaged for good. */
const UNHEARD_OF: ReadonlySet<string> = new Set(['internal', 'corrupt']);

interface Answer {
  readonly id?: string;
}

/** One client. */
export class Client {
  readonly #world: World;
  readonly #name: string;
  readonly #random: SeededRandom;
  readonly #refused: { readonly asked: Asked; readonly error: EngineError }[] = [];
  readonly #answered: Asked[] = [];
  #operations = 0;
  readonly #commits: { readonly repo: string; readonly id: string }[] = [];

  constructor(world: World, name: string, random: SeededRandom) {
    this.#world = world;
    this.#name = name;
    this.#random = random;
  }

  async work(): Promise<void> {
    for (let round = 0; round < this.#world.rounds; round++) {
      await this.#world.loop.sleep(this.#upTo(3000));
      const dice = this.#random.fraction();
      const repo = this.#pick(REPOS);
      const branch = this.#pick(BRANCHES);
      if (dice < 0.5) {
        await this.#put(repo, branch, this.#random.fraction() < 0.5);
      } else if (dice < 0.6) {
        await this.#remove(repo, branch);
      } else if (dice < 0.7) {
        await this.#move(repo, branch);
      } else if (dice < 0.85) {
        await this.#writeOpen(repo, branch);
      } else {
        await this.#read();
      }
    }
  }

  /** What was refused is not in the journal, also at the end of all; what was acknowledged still is. */
  demandAnswers(): void {
    const { answers } = this.#world.witness;
    for (const { asked, error } of this.#refused) {
      assert.ok(!answers.has(asked.id), `${asked.what} was refused (${error.message}), and done`);
    }
    for (const asked of this.#answered) {
      assert.ok(answers.has(asked.id), `${asked.what} was acknowledged, and is lost`);
    }
  }

  async #put(repo: string, branch: string, own: boolean): Promise<void> {
    const files: Record<string, string> = {};
    for (let count = 1 + this.#upTo(3); count > 0; count--) {
      // Few different contents, so that much is stored already; some are stored as large files.
      const kind = this.#random.fraction() < 0.3 ? 'git-lfs' : 'content';
      files[this.#pick(PATHS)] = `${kind} ${this.#upTo(20)}`;
    }
    const to = `${repo}@${branch}`;
    await this.#ask(`put ${to} ${own}`, [{ put: files }], (engine, { id = '' }) =>
      put(toPfs(engine), to, files, { id, own }),
    );
  }

  async #remove(repo: string, branch: string): Promise<void> {
    const path = this.#pick(['d', 'd/e', 'x/y', 'f']);
    const to = target(`${repo}@${branch}`);
    await this.#ask(`delete ${repo}@${branch}:${path}`, [{ remove: path }], (engine, request) =>
      deleteFiles(engine.context, engine.queue, { target: to, paths: [path], request }),
    );
  }

  async #move(repo: string, branch: string): Promise<void> {
    const mine = this.#commits.filter((commit) => commit.repo === `default/${repo}`);
    const head = mine.length === 0 ? undefined : this.#pick(mine).id;
    if (head !== undefined) {
      const change = { repo: `default/${repo}`, branch, head };
      await this.#ask(`move ${repo}@${branch} to ${head}`, [], async (engine, request) => {
        await putBranch(engine.context, change, request);
        return {};
      });
    }
  }

  async #writeOpen(repo: string, branch: string): Promise<void> {
    const on = { repo: `default/${repo}`, branch, description: '' };
    const started = await this.#ask(`start ${repo}@${branch}`, [], (engine, request) =>
      startCommit(engine.context, on, request),
    );
    if (started?.id === undefined) {
      return;
    }
    for (let puts = this.#upTo(3); puts > 0; puts--) {
      await this.#put(repo, branch, false);
    }
    const ref = started.id;
    await this.#ask(`finish ${repo}@${ref}`, [], (engine, request) =>
      finishCommit(engine.context, { repo: on.repo, ref }, request),
    );
  }

  /** Reads a commit of any repo through any engine: it sees all of it, or is told that it can't. */
  async #read(): Promise<void> {
    const { loop, witness } = this.#world;
    const commits = witness.finished().filter(({ repo }) => !repo.includes('.'));
    if (commits.length === 0) {
      return;
    }
    const { repo, id, files = new Map() } = this.#pick(commits);
    const engine = this.#pick(this.#world.engines);
    if (engine.context.journal.state.commits.get(`${repo}@${id}`)?.finished === null) {
      // It has not heard of the end yet, and would read what was there before.
      return;
    }
    loop.note(`${this.#name} reads ${repo}@${id} of ${engine.name}`);
    try {
      const name = repo.replace('default/', '');
      const found = await this.#within(engine, readBytes(toPfs(engine), `${name}@${id}`));
      const texts = new Map([...found].map(([path, { bytes }]) => [path, bytes.toString()]));
      assert.deepEqual(sorted(texts), sorted(files), `${repo}@${id} reads otherwise`);
    } catch (error) {
      // An engine that has not heard of a commit, or of its end, yet says so.
      const isBehind =
        isEngineError(error, 'not_found') || isEngineError(error, 'failed_precondition');
      if (!isBehind && !isPassing(error, engine.network)) {
        throw error;
      }
    }
  }

  /** Asks until there is an answer, of whichever engine, always under one id. */
  async #ask(
    what: string,
    edits: readonly ModelEdit[],
    work: (engine: SimulatedEngine, request: Request) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const { loop, witness } = this.#world;
    this.#operations += 1;
    let asked = this.#newRequest(what, edits);
    const underway = new Set<Promise<unknown>>();
    for (let isUnknown = false; ; ) {
      const engine = this.#pick(this.#world.engines);
      const request = { actor: this.#name, id: asked.id };
      loop.note(`${this.#name} asks ${engine.name}: ${what}`);
      try {
        const attempt = answerOnce(engine.context, request, () => work(engine, request));
        underway.add(attempt);
        attempt.catch(() => undefined).finally(() => underway.delete(attempt));
        const answer = await this.#within(engine, attempt);
        await witness.check();
        loop.note(`${this.#name} is told: ${answer.id ?? 'done'}`);
        const done = witness.answers.get(asked.id);
        assert.ok(done, `${what} was acknowledged, and is not in the journal`);
        assert.equal(answer.id, done.commit, `${what} was answered otherwise than it was done`);
        this.#answered.push(asked);
        const commit = answer.id && witness.finished().find(({ id }) => id === answer.id);
        if (commit) {
          this.#commits.push({ repo: commit.repo, id: commit.id });
        }
        return answer;
      } catch (error) {
        if (isPassing(error, engine.network)) {
          isUnknown = true;
          if (this.#world.mutation.forgetsRequests) {
            asked = this.#newRequest(what, edits);
          }
          await loop.sleep(200 + this.#upTo(2000));
        } else if (!(error instanceof EngineError) || UNHEARD_OF.has(error.code)) {
          throw error;
        } else if (isUnknown || underway.size > 0) {
          // Refused while what was tried before may yet land: certain only once it has, or can't any more.
          isUnknown = underway.size > 0;
          await loop.sleep(MAX_LATE_MS + 120_000);
          underway.clear();
        } else {
          loop.note(`${this.#name} is refused: ${error.message}`);
          this.#refused.push({ asked, error });
          return undefined;
        }
      }
    }
  }

  #newRequest(what: string, edits: readonly ModelEdit[]): Asked {
    const asked = {
      id: this.#random.bytes(16).toString('hex'),
      what: `${this.#name}: ${what}`,
      operation: `${this.#name}/${this.#operations}`,
      edits,
    };
    this.#world.witness.asked.set(asked.id, asked);
    return asked;
  }

  /** Waits for an engine, until it dies or patience ends. */
  async #within<T>(engine: SimulatedEngine, work: Promise<T>): Promise<T> {
    const { loop } = this.#world;
    const timeout = loop.sleep(PATIENCE_MS).then(() => {
      throw TIMED_OUT;
    });
    timeout.catch(() => undefined);
    work.catch(() => undefined);
    return await Promise.race([work, engine.killed, timeout]);
  }

  #upTo(below: number): number {
    return Math.floor(this.#random.fraction() * below);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#upTo(list.length)] as T;
  }
}

/** An engine as the helpers of other tests know it. */
function toPfs(engine: SimulatedEngine): Parameters<typeof put>[0] {
  const { context, queue } = engine;
  return { context, queue } as Parameters<typeof put>[0];
}
