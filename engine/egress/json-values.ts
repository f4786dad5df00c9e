// Parts text into the JSON values in it, however they are spread over lines. Each character is looked at once.

/** A value as it stands in the text. */
export interface JsonText {
  readonly text: string;
  /** The line in which it begins, from 1. */
  readonly line: number;
}

const WHITE = /\s/;

/** Finds where values begin and end; whether they are JSON is for whoever parses them. */
export class JsonValues {
  #parts: string[] = [];
  #length = 0;
  /** How many brackets are open; -1 outside of any value. */
  #depth = -1;
  #state: 'plain' | 'string' | 'escape' = 'plain';
  #line = 1;
  #begun = 1;

  /** The line in which the value begins that has not ended; undefined where there is none. */
  get openLine(): number | undefined {
    return this.#depth < 0 ? undefined : this.#begun;
  }

  /** How many characters of that value there are. */
  get openLength(): number {
    return this.#length;
  }

  /** Yields the values that end in this piece of text. */
  *push(text: string): Generator<JsonText> {
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const char = text[at] as string;
      if (char === '\n') {
        this.#line += 1;
      }
      if (this.#depth < 0) {
        if (WHITE.test(char)) {
          continue;
        }
        start = at;
        this.#begun = this.#line;
        this.#depth = 0;
      }
      if (this.#ends(char)) {
        yield this.#take(text.slice(start, at + 1));
      }
    }
    if (this.#depth >= 0) {
      this.#parts.push(text.slice(start));
      this.#length += text.length - start;
    }
  }

  /** Whether a value ends with this character; what is in no brackets ends with its line. */
  #ends(char: string): boolean {
    if (this.#state === 'escape') {
      this.#state = 'string';
    } else if (this.#state === 'string') {
      if (char === '"') {
        this.#state = 'plain';
      } else if (char === '\\') {
        this.#state = 'escape';
      }
    } else if (char === '"') {
      this.#state = 'string';
    } else if (char === '{' || char === '[') {
      this.#depth += 1;
    } else if (char === '}' || char === ']') {
      this.#depth -= 1;
      return this.#depth <= 0;
    } else if (char === '\n') {
      return this.#depth === 0;
    }
    return false;
  }

  #take(last: string): JsonText {
    const text = this.#parts.join('') + last;
    this.#parts = [];
    this.#length = 0;
    this.#depth = -1;
    return { text, line: this.#begun };
  }
}
