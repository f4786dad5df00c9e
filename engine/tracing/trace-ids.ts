// Ids of traces and spans: random ones, but for traces that are to be found by an id that users know.

import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace-base';

const WELL_FORMED = /^(?!0+$)[0-9a-f]{32}$/;

export class TraceIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #given: string | undefined;

  /** Gives the traces that begin in `work`, which is synchronous, this id where it can be one. */
  withTrace<T>(id: string, work: () => T): T {
    this.#given = WELL_FORMED.test(id) ? id : undefined;
    try {
      return work();
    } finally {
      this.#given = undefined;
    }
  }

  generateTraceId(): string {
    return this.#given ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#random.generateSpanId();
  }
}
