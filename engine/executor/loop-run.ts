// One command that a loop runs: what it prints goes to whoever asked for it, until the result comes.

import { type LoopResult, MarkerScanner } from './marker-scanner.ts';

/** Gets what a command prints. A promise it returns is awaited before more is read. */
type Output = (chunk: Buffer) => void | Promise<void>;

/** A command from before its line is sent until its result is there. */
export class LoopRun {
  /** Resolves with the result; without one when the container has died. */
  readonly done: Promise<LoopResult | undefined>;
  /** Called once when the reader of the output fails. */
  onFailure: () => void = () => {};
  readonly #scanner: MarkerScanner;
  readonly #onOutput: Output;
  #finish: (result: LoopResult | undefined) => void = () => {};
  #failure: { readonly error: unknown } | undefined;
  #isOver = false;

  constructor(nonce: string, onOutput: Output) {
    this.#scanner = new MarkerScanner(nonce);
    this.#onOutput = onOutput;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Throws what the reader of the output threw. */
  check(): void {
    if (this.#failure) {
      throw this.#failure.error;
    }
  }

  /** Takes the next bytes of the loop. Where it returns a promise, await it before more; it never rejects. */
  take(payload: Buffer): void | Promise<void> {
    const { output, result } = this.#scanner.scan(payload);
    const pending = this.#deliver(output);
    if (result === undefined) {
      return pending;
    }
    if (pending) {
      return pending.then(() => this.#end(result));
    }
    this.#end(result);
  }

  /** The container has died, and nothing more will come. */
  async lose(): Promise<void> {
    if (!this.#isOver) {
      await this.#deliver(this.#scanner.rest());
      this.#end(undefined);
    }
  }

  #end(result: LoopResult | undefined): void {
    this.#isOver = true;
    this.#finish(result);
  }

  #deliver(output: Buffer): void | Promise<void> {
    if (output.length === 0 || this.#failure) {
      return;
    }
    const failed = (error: unknown): void => {
      this.#failure = { error };
      this.onFailure();
    };
    try {
      return this.#onOutput(output)?.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }
}
