// Follows the Git servers of inputs: looks at each from time to time, or at once when somebody asks for it. It remembers only
// when it looked last and what was wrong then; what was taken stands in the journal.

import type { Clock } from '../base/clock.ts';
import { parseDuration } from '../base/duration.ts';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import type { PipelineKey } from '../journal/records.ts';
import { gitInputs } from '../pipeline/input-tree.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import { type Followed, followedNow, type PullOptions, pull } from './git-pull.ts';
import { Wake } from './wake.ts';

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 15 * 60_000;
/** However often somebody asks, a server is asked no more often. */
const LEAST_GAP_MS = 1000;
/** Looks that fetch at a time: each may hold a large object. */
const AT_ONCE = 2;

export interface GitWatcherOptions extends PullOptions {
  readonly clock: Clock;
  /** How often servers are looked at whose inputs do not say, in milliseconds; 0: only when somebody asks for it. */
  readonly pollMs: number;
  /** Gets what no pipeline shows: where the watching itself fails. */
  readonly onProblem: (error: unknown) => void;
}

/** How following a server goes. */
export interface GitStatus {
  /** When it was looked at last, in milliseconds since the Unix epoch; null before the first time. */
  readonly looked: number | null;
  /** Why that failed; empty where it did not. */
  readonly problem: string;
  /** When it is looked at next; null for when somebody asks. */
  readonly next: number | null;
}

const NOT_YET: GitStatus = { looked: null, problem: '', next: null };

/** Follows all servers of a store. Any number of engines may do so. */
export class GitWatcher {
  readonly #options: GitWatcherOptions;
  readonly #closing = new AbortController();
  readonly #watches = new Map<string, Watch>();
  #turns = new Turns(AT_ONCE);
  #work: Promise<void> | undefined;

  constructor(options: GitWatcherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#work ??= this.#follow();
  }

  /** Resolves once nothing is being fetched any more. */
  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#work;
    await Promise.all([...this.#watches.values()].map((watch) => watch.stop()));
  }

  /** Returns how following the servers of a pipeline goes, by input. */
  status(pipeline: PipelineKey, input: string): GitStatus {
    return this.#watches.get(keyOf({ pipeline, input }))?.status ?? NOT_YET;
  }

  /** Looks at the servers of a pipeline now. Rejects as {@link pull} does. */
  async look(pipeline: PipelineKey): Promise<void> {
    this.#update();
    const watches = [...this.#watches.values()].filter((one) => one.followed.pipeline === pipeline);
    await Promise.all(watches.map((watch) => watch.look()));
  }

  /** Looks at the server that a hook is for, soon; returns whether there is such a hook. */
  poke(hook: string): boolean {
    const { state } = this.#options.context.journal;
    for (const pipeline of state.pipelines.keysBy('git', 'git')) {
      const git = state.pipelines.get(pipeline)?.gits?.find((one) => one.hook === hook);
      if (git) {
        this.#watches.get(keyOf({ pipeline, input: git.input }))?.poke();
        return true;
      }
    }
    return false;
  }

  async #follow(): Promise<void> {
    try {
      for await (const _ of this.#options.context.journal.changes(this.#closing.signal)) {
        this.#update();
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) {
        this.#options.onProblem(error);
      }
    }
  }

  /** Begins to follow what is new, and lets go of what is gone. */
  #update(): void {
    const { state } = this.#options.context.journal;
    if (this.#closing.signal.aborted) {
      return;
    }
    for (const [key, watch] of this.#watches) {
      if (!followedNow(state, watch.followed)) {
        this.#watches.delete(key);
        void watch.stop();
      }
    }
    for (const pipeline of state.pipelines.keysBy('git', 'git')) {
      for (const { input } of state.pipelines.get(pipeline)?.gits ?? []) {
        const followed = { pipeline, input };
        const key = keyOf(followed);
        if (followedNow(state, followed) && !this.#watches.has(key)) {
          this.#watches.set(key, new Watch(followed, this.#options, this.#turns));
        }
      }
    }
  }
}

/** One server that is followed. */
class Watch {
  readonly followed: Followed;
  status: GitStatus = NOT_YET;
  readonly #options: GitWatcherOptions;
  readonly #turns: Turns;
  readonly #closing = new AbortController();
  readonly #asked = new Wake();
  readonly #done: Promise<void>;
  #looking: Promise<void> | undefined;
  #failures = 0;

  constructor(followed: Followed, options: GitWatcherOptions, turns: Turns) {
    this.followed = followed;
    this.#options = options;
    this.#turns = turns;
    this.#done = this.#run().catch(options.onProblem);
  }

  /** Resolves once nothing is being fetched any more. */
  async stop(): Promise<void> {
    this.#closing.abort();
    this.#asked.notify();
    await this.#done;
    await this.#looking?.catch(() => undefined);
  }

  poke(): void {
    this.#asked.notify();
  }

  /** Looks, or waits for a look that begins after this was asked for. */
  async look(): Promise<void> {
    await this.#looking?.catch(() => undefined);
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    await this.#looking;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#closing.signal.aborted) {
      const { next: asked } = this.#asked;
      // Why it failed is shown with the pipeline.
      await this.look().catch(() => undefined);
      const wait = this.#failures > 0 ? this.#retryMs() : this.#pollMs();
      this.status = { ...this.status, next: wait === undefined ? null : clock.now() + wait };
      const started = clock.monotonic();
      await this.#sleep(wait, asked);
      const early = LEAST_GAP_MS - (clock.monotonic() - started);
      await (early > 0 ? this.#sleep(early) : undefined);
    }
  }

  async #look(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    const looked = clock.now();
    try {
      const { head } = await this.#turns.take(() => pull(this.#options, this.followed, signal));
      if (head === undefined && !signal.aborted) {
        const { branch } =
          followedNow(this.#options.context.journal.state, this.followed)?.git ?? {};
        throw new EngineError(
          'not_found',
          branch
            ? `there is no branch "${branch}" on the server`
            : 'there is no commit on the server',
        );
      }
      this.#failures = 0;
      this.status = { ...this.status, looked, problem: '' };
    } catch (error) {
      if (!signal.aborted) {
        this.#failures += 1;
        this.status = { ...this.status, looked, problem: errorText(error) };
      }
      throw error;
    }
  }

  #retryMs(): number {
    const most = Math.max(LAST_RETRY_MS, this.#pollMs() ?? 0);
    return Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), most);
  }

  /** Undefined: only when somebody asks for it. */
  #pollMs(): number | undefined {
    const { context, pollMs } = this.#options;
    const now = followedNow(context.journal.state, this.followed);
    const spec = now?.pipeline.spec as unknown as PipelineSpec | undefined;
    const input = spec && gitInputs(spec.input).find(({ name }) => name === this.followed.input);
    const said = input?.poll_interval;
    const ms = said === undefined ? pollMs : (parseDuration(said) ?? 0);
    return ms === 0 ? undefined : ms;
  }

  /** Sleeps, for ever where no time is given, unless `asked` resolves first, or it is stopped. */
  async #sleep(ms: number | undefined, asked?: Promise<void>): Promise<void> {
    if (this.#closing.signal.aborted) {
      return;
    }
    const awake = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, awake.signal]);
    const slept =
      ms === undefined
        ? new Promise<void>((resolve) => {
            signal.addEventListener('abort', () => resolve(), { once: true });
          })
        : this.#options.clock.sleep(ms, { signal }).catch((error: unknown) => {
            if (!isEngineError(error, 'cancelled')) {
              throw error;
            }
          });
    await (asked ? Promise.race([slept, asked]) : slept);
    awake.abort();
    await slept;
  }
}

/** Lets so many things go on at a time. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#free -= 1;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) {
        next();
      } else {
        this.#free += 1;
      }
    }
  }
}

function keyOf({ pipeline, input }: Followed): string {
  return `${pipeline} ${input}`;
}
