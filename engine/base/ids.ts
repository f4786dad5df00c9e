import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

const ID_PATTERN = /^[0-9a-f]{32}$/;

/**
 * Makes ids that sort by time: UUID version 7 (RFC 9562) without dashes, 32 hex digits.
 * Ids made within one millisecond by one maker are ordered too, by a counter in the 12 bits that
 * follow the version.
 */
export class IdMaker {
  readonly #clock: Clock;
  readonly #random: Random;
  #lastTime = 0;
  #counter = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Returns a new id, greater than every id this maker gave before, even when the wall clock steps back. */
  next(): string {
    const now = this.#clock.now();
    const bytes = this.#random.bytes(10);
    if (now > this.#lastTime) {
      this.#lastTime = now;
      this.#counter = bytes.readUInt16BE(8) & 0x7ff;
    } else {
      this.#counter += 1;
      if (this.#counter > 0xfff) {
        this.#lastTime += 1;
        this.#counter = 0;
      }
    }
    const time = this.#lastTime.toString(16).padStart(12, '0');
    const counter = this.#counter.toString(16).padStart(3, '0');
    bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x80;
    return `${time}7${counter}${bytes.toString('hex', 0, 8)}`;
  }
}

/** Returns whether `text` has the form of an id: 32 lower-case hex digits. */
export function isId(text: string): boolean {
  return ID_PATTERN.test(text);
}
