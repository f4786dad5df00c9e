// One running copy of a service, as its traffic sees it: where it listens, and how much is on its way to it.

import type { PortAddress } from '../executor/executor.ts';

/** Counts what is under way; whoever wants the copy to end waits until there is nothing. */
export class Upstream {
  readonly address: PortAddress;
  #active = 0;
  #drained: (() => void)[] = [];

  constructor(address: PortAddress) {
    this.address = address;
  }

  /** Requests and connections that are under way. */
  get active(): number {
    return this.#active;
  }

  /** Notes that something is under way; call what it returns once that is over, any number of times. */
  enter(): () => void {
    this.#active += 1;
    let isOver = false;
    return () => {
      if (!isOver) {
        isOver = true;
        this.#active -= 1;
        if (this.#active === 0) {
          for (const resolve of this.#drained.splice(0)) {
            resolve();
          }
        }
      }
    };
  }

  /** Resolves once nothing is under way. Nothing new must come by then. */
  drained(): Promise<void> {
    return this.#active === 0
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.#drained.push(resolve);
        });
  }
}
