// What lies between an engine and the bucket in a simulated world: it delays, duplicates and loses, fails before and
// after the fact, answers what S3 servers answer when they are unwell, cuts answers short and flips bits.

import type { EngineError } from '../../engine/base/errors.ts';
import type { Random } from '../../engine/base/random.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutOptions,
} from '../../engine/object/object-store.ts';
import { s3Error } from '../../engine/object/s3-error.ts';
import type { Loop, Owner } from './loop.ts';

/** How likely each fault of a call is, from 0 to 1. */
export interface Weather {
  /** Fails, and nothing was done: the connection was refused or reset, the server answered 500, 503 or 409. */
  readonly before: number;
  /** Was done, and the answer is lost. */
  readonly after: number;
  /** Fails, and is done up to a minute later. */
  readonly late: number;
  /** Is done twice, the second time up to ten seconds later. */
  readonly twice: number;
  /** The answer breaks off. */
  readonly cut: number;
  /** A bit of what is read is wrong, and nothing tells. */
  readonly flip: number;
  /** Takes seconds. */
  readonly slow: number;
}

export const FAIR: Weather = { before: 0, after: 0, late: 0, twice: 0, cut: 0, flip: 0, slow: 0 };

/** A put that failed lands within this time or never. */
export const MAX_LATE_MS = 60_000;
const MAX_TWICE_MS = 10_000;

const PLACE = { bucket: 'bucket', endpoint: 'http://simulated', secrets: [] };
/** Code and status of answers that say "not now", and the reset that says nothing. */
const ANSWERS: readonly (readonly [string, number | undefined])[] = [
  ['InternalError', 500],
  ['SlowDown', 503],
  ['ConditionalRequestConflict', 409],
  ['ECONNRESET', undefined],
];

/** One engine's way to the bucket. */
export class Network implements ObjectStore {
  readonly url: string;
  weather: Weather;
  /** How many bits were flipped. */
  flips = 0;
  readonly #bucket: ObjectStore;
  readonly #loop: Loop;
  readonly #random: Random;
  readonly #name: string;
  readonly #owner: Owner;

  constructor(
    bucket: ObjectStore,
    options: {
      readonly loop: Loop;
      readonly random: Random;
      readonly weather: Weather;
      readonly name: string;
      readonly owner: Owner;
    },
  ) {
    this.url = bucket.url;
    this.#bucket = bucket;
    this.#loop = options.loop;
    this.#random = options.random;
    this.weather = options.weather;
    this.#name = options.name;
    this.#owner = options.owner;
  }

  async get(key: string, options: GetOptions = {}): Promise<Buffer> {
    const { range } = options;
    const bytes = await this.#call('get', key, () => this.#bucket.get(key, range ? { range } : {}));
    if (bytes.length > 0 && this.#happens('flip')) {
      const at = Math.floor(this.#random.fraction() * bytes.length * 8);
      bytes.writeUInt8(bytes.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
      this.flips += 1;
      this.#loop.note(`${this.#name} reads ${key} with bit ${at} flipped`);
    }
    return bytes;
  }

  put(
    key: string,
    bytes: Uint8Array | readonly Uint8Array[],
    options: PutOptions = {},
  ): Promise<void> {
    // The request is on its way: what becomes of the engine's buffers no longer matters to it.
    const copy = Buffer.concat(bytes instanceof Uint8Array ? [bytes] : bytes);
    const how = options.ifAbsent ? { ifAbsent: true } : {};
    return this.#call('put', key, () => this.#bucket.put(key, copy, how));
  }

  head(key: string): Promise<ObjectInfo> {
    return this.#call('head', key, () => this.#bucket.head(key));
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    const all = await this.#call('list', prefix, async () => {
      const infos: ObjectInfo[] = [];
      for await (const info of this.#bucket.list(prefix, options)) {
        infos.push(info);
      }
      return infos;
    });
    for (const info of all) {
      yield info;
      if (this.#happens('cut')) {
        throw this.#failure(`list ${prefix}`, ['ECONNRESET', undefined]);
      }
    }
  }

  delete(key: string): Promise<void> {
    return this.#call('delete', key, () => this.#bucket.delete(key));
  }

  #call<T>(verb: string, key: string, work: () => Promise<T>): Promise<T> {
    const what = `${verb} ${key}`;
    const there = this.#latency();
    const back = this.#latency();
    const isPut = verb === 'put';
    return new Promise<T>((resolve, reject) => {
      const answer = (settle: () => void) => this.#loop.after(back, settle, this.#owner);
      const fail = (how: string) => {
        const error = this.#failure(what, this.#pick(ANSWERS));
        this.#loop.note(`${this.#name} ${what}: ${how}`);
        answer(() => reject(error));
      };
      const perform = async (isLast: boolean) => {
        try {
          const value = await work();
          this.#loop.note(`${this.#name} ${what}: done`);
          return isLast ? answer(() => resolve(value)) : undefined;
        } catch (error) {
          const { code } = error as EngineError;
          this.#loop.note(`${this.#name} ${what}: ${code}`);
          return isLast ? answer(() => reject(error as Error)) : undefined;
        }
      };
      this.#loop.after(there, () => {
        if (this.#happens('before')) {
          fail('fails');
        } else if (isPut && this.#happens('late')) {
          fail('fails, and is on its way');
          this.#loop.after(this.#upTo(MAX_LATE_MS), () => void perform(false));
        } else if (this.#happens('after') || (verb === 'get' && this.#happens('cut'))) {
          void perform(false).then(() => fail('the answer is lost'));
        } else {
          if (isPut && this.#happens('twice')) {
            this.#loop.after(this.#upTo(MAX_TWICE_MS), () => void perform(false));
          }
          void perform(true);
        }
      });
    });
  }

  #failure(what: string, [code, status]: readonly [string, number | undefined]): EngineError {
    const error = Object.assign(new Error(`made to fail: ${code}`), { code });
    return s3Error(error, { what: `Cannot ${what}`, status, place: PLACE });
  }

  #latency(): number {
    const usual = 1 + this.#upTo(20);
    return this.#happens('slow') ? usual + this.#upTo(5000) : usual;
  }

  #upTo(ms: number): number {
    return Math.floor(this.#random.fraction() * ms);
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random.fraction() * list.length)] as T;
  }

  #happens(fault: keyof Weather): boolean {
    const rate = this.weather[fault];
    return rate > 0 && this.#random.fraction() < rate;
  }
}
