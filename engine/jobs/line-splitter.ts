// From chunks of bytes, as a program prints them, to lines of text. It keeps one line in memory at most.

/** The longest line that is kept, in bytes. */
export const MAX_LINE_BYTES = 16 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const CUT_MARK = '… [the rest of this line is cut]';

/**
 * Splits at newlines. What a carriage return would overwrite on a terminal is left out, so that of a progress bar only
 * its last state is a line. Bytes that are not UTF-8 become U+FFFD; long lines are cut, with a mark.
 */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #parts: Buffer[] = [];
  #bytes = 0;
  #isCut = false;
  #afterReturn = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Takes the next bytes. They are copied where they must be kept. */
  push(chunk: Buffer): void {
    let at = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
      this.#take(chunk.subarray(at, end), true);
      this.#emit();
      at = end + 1;
    }
    if (at < chunk.length) {
      this.#take(chunk.subarray(at), false);
    }
  }

  /** Hands out a last line that no newline ended. */
  end(): void {
    if (this.#bytes > 0 || this.#isCut) {
      this.#emit();
    }
  }

  #take(piece: Buffer, isEnd: boolean): void {
    let end = piece.length;
    while (end > 0 && piece[end - 1] === RETURN) {
      end -= 1;
    }
    if (end > 0 && this.#afterReturn) {
      this.#clear();
    }
    const start = end > 0 ? piece.lastIndexOf(RETURN, end - 1) + 1 : 0;
    if (start > 0) {
      this.#clear();
    }
    this.#afterReturn = !isEnd && (end < piece.length || (end === 0 && this.#afterReturn));
    this.#keep(piece.subarray(start, end), isEnd);
  }

  #keep(piece: Buffer, isEnd: boolean): void {
    const room = MAX_LINE_BYTES - this.#bytes;
    const kept = piece.length > room ? piece.subarray(0, room) : piece;
    this.#isCut ||= kept.length < piece.length;
    if (kept.length > 0) {
      this.#parts.push(isEnd ? kept : Buffer.from(kept));
      this.#bytes += kept.length;
    }
  }

  #emit(): void {
    const [first] = this.#parts;
    const bytes = this.#parts.length === 1 && first ? first : Buffer.concat(this.#parts);
    // A stream decoder holds back the half of a character that the cut left.
    const text = this.#isCut
      ? new TextDecoder().decode(bytes, { stream: true }) + CUT_MARK
      : bytes.toString('utf8');
    this.#clear();
    this.#onLine(text);
  }

  #clear(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#isCut = false;
    this.#afterReturn = false;
  }
}
