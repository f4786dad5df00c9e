// Does what schedules say when its time has come, and what came while no engine ran. It remembers nothing: what has been
// done stands in the journal. It sleeps until the next time or the next change, whichever is first.

import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import { makeChange } from '../pfs/change.ts';
import type { PfsContext } from '../pfs/context.ts';
import { type Due, dueTimes } from './cron.ts';
import { Wake } from './wake.ts';

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
/** Longest sleep: the clock of the machine may be set meanwhile, and a timer takes no more than 24 days. */
const LONGEST_SLEEP_MS = 600_000;

export interface TickerOptions {
  readonly context: PfsContext;
  readonly clock: Clock;
  readonly onProblem: (error: unknown) => void;
}

/** Keeps the schedules of a store. Any number of engines may do so. */
export class Ticker {
  readonly #options: TickerOptions;
  readonly #closing = new AbortController();
  readonly #changed = new Wake();
  #work: Promise<unknown> | undefined;

  constructor(options: TickerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#work ??= Promise.all([this.#follow(), this.#run()]);
  }

  /** Resolves once nothing is being done any more. */
  async stop(): Promise<void> {
    this.#closing.abort();
    this.#changed.notify();
    await this.#work;
  }

  async #follow(): Promise<void> {
    try {
      for await (const _ of this.#options.context.journal.changes(this.#closing.signal)) {
        this.#changed.notify();
      }
    } catch (error) {
      this.#options.onProblem(error);
    }
  }

  async #run(): Promise<void> {
    const { context, clock, onProblem } = this.#options;
    let retry = FIRST_RETRY_MS;
    while (!this.#closing.signal.aborted) {
      const [first, ...others] = nextOf(dueTimes(context.journal.state));
      const left = first === undefined ? LONGEST_SLEEP_MS : first.time - clock.now();
      if (first === undefined || left > 0) {
        await this.#sleep(Math.min(left, LONGEST_SLEEP_MS), () => {
          return nextOf(dueTimes(context.journal.state))[0]?.time !== first?.time;
        });
        continue;
      }
      try {
        await this.#take([first, ...others]);
        retry = FIRST_RETRY_MS;
      } catch (error) {
        onProblem(error);
        await this.#sleep(retry);
        retry = Math.min(retry * 2, LAST_RETRY_MS);
      }
    }
  }

  /** Does what is due at one time in one change, so that whoever reads several of them gets one commit. */
  async #take(due: readonly Due[]): Promise<void> {
    await makeChange(this.#options.context, { actor: 'engine' }, (change) => {
      for (const one of due) {
        one.take(change);
      }
    });
  }

  /** Sleeps for so long, unless a change, after each of which it is asked, ends that. */
  async #sleep(ms: number, isOver: () => boolean = () => false): Promise<void> {
    const awake = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, awake.signal]);
    let isAwake = false;
    const slept = this.#options.clock
      .sleep(ms, { signal })
      .catch((error: unknown) => {
        if (!isEngineError(error, 'cancelled')) {
          throw error;
        }
      })
      .finally(() => {
        isAwake = true;
        this.#changed.notify();
      });
    slept.catch(() => undefined);
    for (let { next } = this.#changed; !isAwake && !isOver(); { next } = this.#changed) {
      await next;
    }
    awake.abort();
    await slept;
  }
}

/** Returns what is due first: all of it that is due at one time. */
function nextOf(all: Iterable<Due>): Due[] {
  let first: Due[] = [];
  for (const due of all) {
    const time = first[0]?.time ?? Number.POSITIVE_INFINITY;
    if (due.time < time) {
      first = [due];
    } else if (due.time === time) {
      first.push(due);
    }
  }
  return first;
}
