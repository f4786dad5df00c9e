// A repo of a user that changes at random, each change exactly once, however often the engine goes away meanwhile.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../engine/base/random.ts';
import { type Commit, FRAMES_TYPE } from '../../../engine/server/wire.ts';
import type { Ask, EngineHome } from '../../support/engine-home.ts';
import { frames, newKey } from '../../support/server.ts';
import type { Files } from './model.ts';

/** Never more files, nor fewer than one: some come and go, and some contents come back. */
const NAMES = ['a0', 'a1', 'b0', 'b1', 'c0', 'c1'];

export class Source {
  readonly repo: string;
  /** What the repo held after each commit, by the commit's id. */
  readonly states = new Map<string, Files>();
  readonly #home: EngineHome;
  readonly #random: Random;
  #files: Files = new Map();

  constructor(home: EngineHome, repo: string, random: Random) {
    this.#home = home;
    this.repo = repo;
    this.#random = random;
  }

  get files(): Files {
    return this.#files;
  }

  /** Makes one commit, which the engine has acknowledged when this resolves; returns its id. */
  async change(): Promise<string> {
    const [name = ''] = [...this.#files.keys()].slice(this.#below(this.#files.size));
    const isDeletion = this.#files.size > 1 && this.#random.fraction() < 0.2;
    return await (isDeletion ? this.#delete(name) : this.#put());
  }

  async #put(): Promise<string> {
    const names = Array.from({ length: 1 + this.#below(3) }, () => NAMES[this.#below(6)] ?? '');
    const files = Object.fromEntries(
      names.map((name) => [name, `${this.#below(9000) + 1000} ${this.repo} ${name}\n`]),
    );
    const to = `/repos/default/${this.repo}/files/master?own=true`;
    const id = await this.#once(to, { body: frames(files), type: FRAMES_TYPE });
    return this.#keep(id, new Map([...this.#files, ...Object.entries(files)]));
  }

  async #delete(name: string): Promise<string> {
    const to = `/repos/default/${this.repo}/files/master/delete`;
    const id = await this.#once(to, { body: { paths: [name] } });
    return this.#keep(id, new Map([...this.#files].filter(([each]) => each !== name)));
  }

  #keep(id: string, files: Files): string {
    assert.ok(!this.states.has(id), `${this.repo}@${id} was the answer to two writes`);
    this.#files = files;
    this.states.set(id, files);
    return id;
  }

  /** Sends a write until it is answered: the same one, by its key. */
  async #once(path: string, ask: Ask): Promise<string> {
    const key = newKey();
    for (;;) {
      const answer = await this.#home.ask('POST', path, { ...ask, key }).catch(() => undefined);
      if (answer?.status === 200) {
        return (JSON.parse(answer.bytes.toString()) as Commit).id;
      }
      const isAway = answer === undefined || answer.status >= 499;
      assert.ok(isAway, `the write was answered with ${answer?.status}: ${answer?.bytes}`);
      await sleep(50);
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random.fraction() * limit);
  }
}
