// What goes wrong during a soak: the engine is killed or stands still, containers are killed, and what runs in them.

import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Random } from '../../../engine/base/random.ts';
import type { EngineHome } from '../../support/engine-home.ts';

const run = promisify(execFile);
const LONGEST_PAUSE_MS = 3000;
const LONGEST_FREEZE_MS = 3000;

export class Trouble {
  /** How often each thing happened. */
  readonly counts = new Map<string, number>();
  readonly #home: EngineHome;
  readonly #random: Random;

  constructor(home: EngineHome, random: Random) {
    this.#home = home;
    this.#random = random;
  }

  /** Makes trouble until `signal`; the engine runs when this resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const kinds = [
      ['engines killed', () => this.#killEngine()],
      ['engines frozen', () => this.#freezeEngine()],
      ['containers killed', () => this.#onContainer('kill', '{}')],
      ['containers removed', () => this.#onContainer('rm', '--force', '{}')],
      ['workers killed', () => this.#onContainer('exec', '{}', 'kill', '-9', '-1')],
      ['workers killed', () => this.#onContainer('exec', '{}', 'kill', '-9', '-1')],
    ] as const;
    while (!signal.aborted) {
      const pause = this.#random.fraction() * LONGEST_PAUSE_MS;
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      const [kind, make] = kinds[Math.floor(this.#random.fraction() * kinds.length)] ?? kinds[0];
      if (!signal.aborted && (await make())) {
        this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      }
    }
  }

  async #killEngine(): Promise<boolean> {
    await this.#home.kill();
    if (!(await this.#home.start())) {
      throw new Error(`the engine did not start again:\n${this.#home.log.slice(-20).join('\n')}`);
    }
    return true;
  }

  async #freezeEngine(): Promise<boolean> {
    const { pid } = this.#home;
    if (pid === undefined) {
      return false;
    }
    process.kill(pid, 'SIGSTOP');
    await sleep(this.#random.fraction() * LONGEST_FREEZE_MS);
    process.kill(pid, 'SIGCONT');
    return true;
  }

  /** Runs a command of Docker's on one of the engine's containers, which may be gone by then. */
  async #onContainer(...words: readonly string[]): Promise<boolean> {
    const containers = this.#home.containers();
    const id = containers[Math.floor(this.#random.fraction() * containers.length)];
    if (id === undefined) {
      return false;
    }
    const args = words.map((word) => (word === '{}' ? id : word));
    return await run('docker', args).then(
      () => true,
      // What kills everything in a container is killed with it.
      () => words[0] === 'exec',
    );
  }
}
