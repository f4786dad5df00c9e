// The loop of the chunker, which every byte of a large file goes through: as WebAssembly, twice as fast as in JavaScript. The
// hash depends on the last 32 bytes alone, so that four places of a block are hashed at once, where one would wait for its own
// last result most of the time.

import { GEAR } from './gear.ts';

/** In the language's library of browsers alone, though every Node has it. */
declare const WebAssembly:
  | {
      readonly Module: new (bytes: Uint8Array) => object;
      readonly Instance: new (
        module: object,
      ) => { readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; scan: Scan } };
    }
  | undefined;

/** Goes on from four places with their hashes until the first is at `stop`, or one hash is below `limit`; returns where the first is. */
type Scan = (
  at: number,
  stop: number,
  h0: number,
  h1: number,
  h2: number,
  h3: number,
  limit: number,
) => number;

/** A byte leaves the 32-bit hash after so many others. */
export const WINDOW_BYTES = 32;
const LANE_BYTES = 2048;
const LANES = 4;
const BLOCK_BYTES = LANE_BYTES * LANES;
/** Where in its memory: the table of the gear at 0, then the last hash of the last place, then the bytes. */
const LAST_HASH_AT = 1024;
const BYTES_AT = 4096;
const ROOM_BYTES = 64 * 1024 - BYTES_AT;
const NOT_FOUND = -1;

/** Finds the first byte after which the hash is below a limit. */
export class GearScan {
  readonly #block = load();
  #hash = 0;

  /** The hash after the last byte that was looked at. */
  get hash(): number {
    return this.#hash;
  }

  /**
   * Looks at `bytes` from `at` up to `end`, going on with `hash`. Returns the position behind the first byte after which the hash, as a
   * number without a sign, is below `limit`; or -1.
   */
  find(
    bytes: Uint8Array,
    range: { readonly at: number; readonly end: number },
    { hash, limit }: { readonly hash: number; readonly limit: number },
  ): number {
    let { at } = range;
    this.#hash = hash;
    for (const { end } = range; this.#block && end - at >= BLOCK_BYTES; ) {
      const length = Math.min(end - at, ROOM_BYTES);
      const whole = length - (length % BLOCK_BYTES);
      this.#block.bytes.set(bytes.subarray(at, at + whole));
      for (let from = 0; from < whole; from += BLOCK_BYTES) {
        if (this.#hit(from, limit)) {
          return this.#step(bytes, { at: at + from, end: at + from + BLOCK_BYTES }, limit);
        }
      }
      at += whole;
    }
    return this.#step(bytes, { at, end: range.end }, limit);
  }

  /** Returns whether a block has what is looked for; else goes on behind it. */
  #hit(from: number, limit: number): boolean {
    const { bytes, words, scan } = this.#block as Block;
    const start = BYTES_AT + from;
    const [h1, h2, h3] = [1, 2, 3].map((lane) => hashBefore(bytes, from + lane * LANE_BYTES));
    const stop = start + LANE_BYTES;
    if (scan(start, stop, this.#hash, h1 ?? 0, h2 ?? 0, h3 ?? 0, limit) < stop) {
      return true;
    }
    this.#hash = words[LAST_HASH_AT / 4] ?? 0;
    return false;
  }

  #step(
    bytes: Uint8Array,
    range: { readonly at: number; readonly end: number },
    limit: number,
  ): number {
    const { end } = range;
    let { at } = range;
    let hash = this.#hash;
    const mask = -limit;
    while (at < end) {
      hash = ((hash << 1) + (GEAR[bytes[at++] as number] as number)) | 0;
      if ((hash & mask) === 0) {
        this.#hash = hash;
        return at;
      }
    }
    this.#hash = hash;
    return NOT_FOUND;
  }
}

function hashBefore(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let i = at - WINDOW_BYTES; i < at; i++) {
    hash = ((hash << 1) + (GEAR[bytes[i] as number] as number)) | 0;
  }
  return hash;
}

interface Block {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly scan: Scan;
}

let loaded: Block | undefined;

/** Undefined where the process may not make code, as with `--jitless`. */
function load(): Block | undefined {
  if (typeof WebAssembly === 'undefined') {
    return undefined;
  }
  if (!loaded) {
    const { memory, scan } = new WebAssembly.Instance(new WebAssembly.Module(program())).exports;
    const words = new Int32Array(memory.buffer);
    words.set(GEAR);
    loaded = { bytes: new Uint8Array(memory.buffer, BYTES_AT, ROOM_BYTES), words, scan };
  }
  return loaded;
}

const I32 = 0x7f;
const EMPTY = 0x40;
const [AT, STOP, H0, LIMIT] = [0, 1, 2, 6] as const;

/** Returns the binary form of the one function, instruction by instruction. */
function program(): Uint8Array {
  const get = (local: number) => [0x20, local];
  const set = (local: number) => [0x21, local];
  const constant = (value: number) => [0x41, ...signed(value)];
  const [add, shl, or, below] = [[0x6a], [0x74], [0x72], [0x49]] as const;
  const lanes = [0, 1, 2, 3];
  // h = (h << 1) + gear[bytes[at + lane * LANE_BYTES]]
  const steps = lanes.flatMap((lane) => [
    ...[...get(H0 + lane), ...constant(1), ...shl, ...get(AT)],
    ...[0x2d, 0, ...unsigned(lane * LANE_BYTES), ...constant(2), ...shl, 0x28, 2, 0, ...add],
    ...set(H0 + lane),
  ]);
  const hits = lanes.flatMap((lane) => [
    ...[...get(H0 + lane), ...get(LIMIT), ...below, ...(lane > 0 ? or : [])],
  ]);
  const body = [
    ...[0x02, EMPTY, 0x03, EMPTY, ...steps, ...hits, 0x0d, 1],
    ...[...get(AT), ...constant(1), ...add, ...set(AT)],
    ...[...get(AT), ...get(STOP), ...below, 0x0d, 0, 0x0b, 0x0b],
    ...[...constant(LAST_HASH_AT), ...get(H0 + LANES - 1), 0x36, 2, 0, ...get(AT), 0x0b],
  ];
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  const section = (id: number, content: readonly number[]) => [
    ...[id, ...unsigned(content.length), ...content],
  ];
  const parameters = [I32, I32, I32, I32, I32, I32, I32];
  return Uint8Array.from([
    ...[0, ...Buffer.from('asm'), 1, 0, 0, 0],
    ...section(1, [1, 0x60, parameters.length, ...parameters, 1, I32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 1, 1, 1]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('scan'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length + 1), 0, ...body]),
  ]);
}

/** LEB128, as the format has its numbers. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}
