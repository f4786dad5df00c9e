// Waiting for something to change, without looking again and again.

/** Lets any number of waiters know of each change. Take {@link next} before looking at what may change. */
export class Wake {
  #resolve: () => void = () => undefined;
  #next = this.#renew();

  /** Resolves at the next change. */
  get next(): Promise<void> {
    return this.#next;
  }

  notify(): void {
    const resolve = this.#resolve;
    this.#next = this.#renew();
    resolve();
  }

  #renew(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}
