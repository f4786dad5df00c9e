// Finds, in what a command prints, the line by which the loop says that it has ended.

/** What the loop said about a command. */
export interface LoopResult {
  /**
   * Whether it has ended, was not run because an earlier one left what can't be removed, or asks for its next datum.
   */
  readonly state: 'exited' | 'gone' | 'asks';
  /** Its exit code; 0 where it has not ended. */
  readonly code: number;
  /** What it said when it asked. */
  readonly text: string;
  /** How many processes of the container the kernel has killed for memory since it was started. */
  readonly oomKills: number;
}

const RESULT = /^ (\d+|gone|asks) (\d+)(?: ([^\n]*))?\n/;
const MAX_RESULT_BYTES = 8192;

/**
 * Parts the output of one command from the result that follows it: `<nonce> <code> <oom>` and a newline, or with words in their place. The nonce is
 * new and random for each command, so that no output can be taken for it. Output is never held back longer than
 * needed to tell it from a nonce.
 */
export class MarkerScanner {
  readonly #nonce: Buffer;
  #held: Buffer = Buffer.alloc(0);
  #found = false;

  constructor(nonce: string) {
    this.#nonce = Buffer.from(nonce, 'latin1');
  }

  /** Takes the next bytes; returns the output now known to be output, and the result once it is there. */
  scan(bytes: Buffer): { output: Buffer; result?: LoopResult } {
    let data = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    let output: Buffer = Buffer.alloc(0);
    if (!this.#found) {
      const at = data.indexOf(this.#nonce);
      const end = at >= 0 ? at : data.length - this.#prefixLength(data);
      output = data.subarray(0, end);
      if (at < 0) {
        this.#held = Buffer.from(data.subarray(end));
        return { output };
      }
      this.#found = true;
      data = data.subarray(at + this.#nonce.length);
    }
    const match = RESULT.exec(data.toString('utf8', 0, MAX_RESULT_BYTES));
    if (!match) {
      this.#held = Buffer.from(data);
      return { output };
    }
    this.#held = Buffer.alloc(0);
    const [, word = '', oomKills, text = ''] = match;
    const state = word === 'gone' || word === 'asks' ? word : 'exited';
    const code = state === 'exited' ? Number(word) : 0;
    return { output, result: { state, code, text, oomKills: Number(oomKills) } };
  }

  /** Returns what was held back when the stream ended without a result. */
  rest(): Buffer {
    return this.#found ? Buffer.alloc(0) : this.#held;
  }

  /** The length of the longest end of `data` that could be the beginning of the nonce. */
  #prefixLength(data: Buffer): number {
    for (let n = Math.min(this.#nonce.length - 1, data.length); n > 0; n--) {
      if (data.compare(this.#nonce, 0, n, data.length - n) === 0) {
        return n;
      }
    }
    return 0;
  }
}
