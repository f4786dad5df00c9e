// What goes wrong with sending spans, told once in a while: a collector that is away would else fill the engine's log.

import type { DiagLogger } from '@opentelemetry/api';
import type { Clock } from '../base/clock.ts';
import { EngineError, errorText, systemCode } from '../base/errors.ts';

const EVERY_MS = 60_000;

/** Passes on the first problem of each minute; the next one says how many were left out. */
export class ProblemLog implements DiagLogger {
  readonly #clock: Clock;
  readonly #onProblem: (error: unknown) => void;
  #told = Number.NEGATIVE_INFINITY;
  #untold = 0;

  constructor(options: { readonly clock: Clock; readonly onProblem: (error: unknown) => void }) {
    this.#clock = options.clock;
    this.#onProblem = options.onProblem;
  }

  /** Takes why spans could not be sent. */
  readonly take = (cause: unknown): void => {
    const now = this.#clock.monotonic();
    if (now - this.#told < EVERY_MS) {
      this.#untold += 1;
      return;
    }
    const more =
      this.#untold === 0 ? '' : ` (and ${this.#untold} problems more since the last one)`;
    this.#told = now;
    this.#untold = 0;
    // Without the cause itself, which may hold what the collector answered.
    const why = errorText(cause) || systemCode(cause) || 'no answer';
    this.#onProblem(
      new EngineError(
        'unavailable',
        `Cannot send spans: ${why}${more}; look at the collector and at the variables OTEL_…`,
      ),
    );
  };

  error(message: string): void {
    this.take(message);
  }

  warn(message: string): void {
    // Quotes a header, which may be a token.
    this.take(message.startsWith('Header ') ? 'a header of OTEL_…_HEADERS is not valid' : message);
  }

  info(): void {}
  debug(): void {}
  verbose(): void {}
}
