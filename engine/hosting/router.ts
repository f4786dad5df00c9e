// Where the traffic of a service goes now. While it goes nowhere, because the service is being started again, who comes is
// held for a while rather than turned away.

import { connect, type Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { EngineError, errorText } from '../base/errors.ts';
import type { PortAddress } from '../executor/executor.ts';
import { Wake } from '../jobs/wake.ts';
import type { Upstream } from './upstream.ts';

/** Where the copy is between two lives: a try now and then costs nothing. */
const RETRY_MS = 50;
const CONNECT_MS = 5000;

export interface RouterOptions {
  readonly clock: Clock;
  /** How long traffic is held while there is nobody to take it. */
  readonly holdMs: number;
}

/** A connection to the copy that the traffic went to when it was made. */
export interface Connection {
  readonly socket: Socket;
  /** Says that nothing more goes through it. */
  done(): void;
}

/** Leads traffic to one copy of a service at a time. */
export class Router {
  readonly #options: RouterOptions;
  readonly #changed = new Wake();
  #current: Upstream | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Leads all traffic from here on to another copy, or nowhere; what is under way stays where it is. */
  route(next: Upstream | undefined): void {
    this.#current = next;
    this.#changed.notify();
  }

  /** Connects to the copy of the moment. Rejects with `unavailable` where there was none in time, `cancelled` on abort. */
  async connect(signal: AbortSignal): Promise<Connection> {
    const { clock, holdMs } = this.#options;
    const deadline = clock.monotonic() + holdMs;
    let failure: unknown;
    for (;;) {
      const { next } = this.#changed;
      const upstream = this.#current;
      if (upstream) {
        const done = upstream.enter();
        try {
          return { socket: await open(upstream.address, signal), done };
        } catch (error) {
          done();
          failure = error;
        }
      }
      const left = deadline - clock.monotonic();
      if (signal.aborted || left <= 0) {
        throw new EngineError(
          signal.aborted ? 'cancelled' : 'unavailable',
          `Cannot reach the service: ${failure === undefined ? 'it is not ready' : errorText(failure)}; try again`,
        );
      }
      const over = new AbortController();
      const waited = clock
        .sleep(upstream ? Math.min(left, RETRY_MS) : left, {
          signal: AbortSignal.any([signal, over.signal]),
        })
        .catch(() => undefined);
      await Promise.race([waited, next]);
      over.abort();
    }
  }
}

/** Opens a connection; rejects where it is refused or takes too long. */
export function open(
  { host, port }: PortAddress,
  signal: AbortSignal,
  timeoutMs = CONNECT_MS,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const abort = () => fail(new Error('cancelled'));
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    socket.setTimeout(timeoutMs, () => fail(new Error(`no answer in ${timeoutMs / 1000} s`)));
    socket.once('error', fail);
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort);
      socket.setTimeout(0);
      socket.off('error', fail);
      // Between here and who uses it, an error must not end the engine.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}
