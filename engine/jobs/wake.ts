// Waiting for something to change, without looking again and again.

/** Lets any number of waiters know of each change. Take {@link next} before looking at what may change. */
export class Wake {
  #resolve: () => void = () => undefined;
  #next = this.#renew();

  /** Resolves at the next change. */
  get next(): Promise<void> {
    return this.#next;
  }

  /** Resolves once `isDone`, which is asked now and after each change, says so, or when the signal aborts. */
  async until(isDone: () => boolean, signal: AbortSignal): Promise<void> {
    // Not a race with a promise of the end: that would keep something of every change until then.
    const wake = () => this.notify();
    signal.addEventListener('abort', wake, { once: true });
    while (!signal.aborted) {
      const { next } = this;
      if (isDone()) {
        break;
      }
      await next;
    }
    signal.removeEventListener('abort', wake);
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
