// Requests under way, so that those end at once whose sender may not make them any more: a token that is revoked or
// expires also ends what it follows.

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { Operation } from '../journal/operations.ts';
import type { State } from '../journal/state.ts';
import { isStillAllowed } from './identity.ts';

const CHANGES_RIGHTS = /^(?:user|token|role)\./;
/** Timers know no longer times. */
const LONGEST_MS = 2 ** 31 - 1;

/** The requests of users that are under way. */
export class LiveRequests {
  readonly #requests = new Map<FastifyRequest, FastifyReply>();
  readonly #state: () => State;
  readonly #clock: Clock;

  constructor(journal: Journal<State, Operation>, clock: Clock) {
    this.#state = () => journal.state;
    this.#clock = clock;
    journal.subscribe(({ transactions }) => {
      const operations = transactions.flatMap((one) => one.operations as readonly Operation[]);
      if (operations.some(({ kind }) => CHANGES_RIGHTS.test(kind))) {
        this.#check();
      }
    });
  }

  /** Keeps an eye on a request until it has been answered. */
  add(request: FastifyRequest, reply: FastifyReply): void {
    const token = request.identity?.token;
    if (!token) {
      return;
    }
    this.#requests.set(request, reply);
    const over = new AbortController();
    reply.raw.once('close', () => {
      this.#requests.delete(request);
      over.abort();
    });
    if (token.expires !== null) {
      void this.#endAt(token.expires, over.signal);
    }
  }

  async #endAt(time: number, signal: AbortSignal): Promise<void> {
    try {
      for (let left = time - this.#clock.now(); left > 0; left = time - this.#clock.now()) {
        await this.#clock.sleep(Math.min(left, LONGEST_MS), { signal });
      }
      this.#check();
    } catch (error) {
      if (!isEngineError(error, 'cancelled')) {
        throw error;
      }
    }
  }

  #check(): void {
    const [state, now] = [this.#state(), this.#clock.now()];
    for (const [request, reply] of this.#requests) {
      if (!isStillAllowed(request, state, now)) {
        reply.raw.destroy();
      }
    }
  }
}
