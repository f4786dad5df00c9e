// Which engines are at work on a store. Each overwrites one object of its own; the others watch whether it changes, by
// their own monotonic clock: no two clocks are ever compared.

import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import { engineKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';

const STALE_MS = 30_000;
/** So many beats fit into the time after which an engine counts as dead. */
const BEATS = 6;
const INSTANCE_DIGITS = 16;

interface Observed {
  content: string;
  changedAt: number;
}

export interface HeartbeatOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /**
   * The id of this engine, 32 hex digits: 16 of its instance, which is a home that one engine at a time may hold, and 16
   * of this run.
   */
  readonly self: string;
  /** After how long without a beat an engine counts as dead; 30 s unless told. The same for all engines of a store. */
  readonly staleMs?: number;
  readonly onProblem: (error: unknown) => void;
  /** Called when an engine has been found dead. */
  readonly onDeath: () => void;
}

/** Beats for this engine and listens for the others. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #staleMs: number;
  readonly #observed = new Map<string, Observed>();
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;
  #count = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#staleMs = options.staleMs ?? STALE_MS;
  }

  start(): void {
    this.#loop ??= this.#beat();
  }

  /** Ends the beat and says so to the others by removing the object. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    const { store, self, onProblem } = this.#options;
    await store.delete(engineKey(self)).catch(onProblem);
  }

  /**
   * Returns whether the engine of that name may still be at work. One of this engine's own instance is not: this
   * engine holds the instance's lock. Of others the first answer is yes, until they have been watched long enough.
   */
  isAlive(owner: string): boolean {
    const { self, clock } = this.#options;
    if (owner === self) {
      return true;
    }
    if (instanceOf(owner) === instanceOf(self)) {
      return false;
    }
    const observed = this.#observed.get(owner);
    if (observed === undefined) {
      this.#observed.set(owner, { content: '', changedAt: clock.monotonic() });
      return true;
    }
    return clock.monotonic() - observed.changedAt < this.#staleMs;
  }

  async #beat(): Promise<void> {
    const { store, clock, self, onProblem } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        this.#count += 1;
        const text = JSON.stringify({ engine: self, beat: this.#count, time: clock.now() });
        await store.put(engineKey(self), Buffer.from(text));
        await this.#observe();
        await clock.sleep(this.#staleMs / BEATS, { signal });
      } catch (error) {
        if (!isEngineError(error, 'cancelled')) {
          onProblem(error);
          await clock.sleep(this.#staleMs / BEATS, { signal }).catch(() => undefined);
        }
      }
    }
  }

  async #observe(): Promise<void> {
    const { store, clock, onDeath } = this.#options;
    for (const [owner, seen] of this.#observed) {
      const wasAlive = clock.monotonic() - seen.changedAt < this.#staleMs;
      const content = await store.get(engineKey(owner)).then(String, (error: unknown) => {
        if (isEngineError(error, 'not_found')) {
          return '';
        }
        throw error;
      });
      if (content !== seen.content) {
        this.#observed.set(owner, { content, changedAt: clock.monotonic() });
      } else if (!wasAlive) {
        onDeath();
      }
    }
  }
}

function instanceOf(owner: string): string {
  return owner.slice(0, INSTANCE_DIGITS);
}
