// Faults planted in a simulated world, each of which the witness must find: the proof that the simulation can fail.

import { EngineError } from '../../engine/base/errors.ts';
import type { SeededRandom } from '../../engine/base/random.ts';
import type { GetOptions, ObjectStore, PutOptions } from '../../engine/object/object-store.ts';
import type { Bucket } from './bucket.ts';
import type { Loop } from './loop.ts';
import type { Mutation } from './world.ts';

type Bytes = Uint8Array | readonly Uint8Array[];

/** A bucket of which some calls are done otherwise. */
class Mutant implements ObjectStore {
  readonly url: string;
  readonly bucket: Bucket;

  constructor(bucket: Bucket) {
    this.url = bucket.url;
    this.bucket = bucket;
  }

  get(key: string, options?: GetOptions): Promise<Buffer> {
    return this.bucket.get(key, options);
  }

  put(key: string, bytes: Bytes, options?: PutOptions): Promise<void> {
    return this.bucket.put(key, bytes, options);
  }

  head: ObjectStore['head'] = (key) => this.bucket.head(key);
  list: ObjectStore['list'] = (prefix, options) => this.bucket.list(prefix, options);
  delete: ObjectStore['delete'] = (key) => this.bucket.delete(key);
}

/** Tells every writer of a key that it has won. */
class TwoWinners extends Mutant {
  override async put(key: string, bytes: Bytes, options?: PutOptions): Promise<void> {
    try {
      await super.put(key, bytes, options);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'already_exists') {
        throw error;
      }
    }
  }
}

/** Overwrites where it was told not to. */
class Overwriting extends Mutant {
  override put(key: string, bytes: Bytes): Promise<void> {
    return super.put(key, bytes);
  }
}

/** Answers before it has written, as an engine that acknowledges too early does. */
class Hasty extends Mutant {
  readonly #loop: Loop;
  readonly #random: SeededRandom;
  readonly #waiting = new Set<string>();

  constructor(bucket: Bucket, loop: Loop, random: SeededRandom) {
    super(bucket);
    this.#loop = loop;
    this.#random = random;
  }

  override async put(key: string, bytes: Bytes, options?: PutOptions): Promise<void> {
    const isTaken = await this.bucket.head(key).then(
      () => true,
      () => this.#waiting.has(key),
    );
    if (!key.startsWith('journal/') || isTaken) {
      await super.put(key, bytes, options);
      return;
    }
    this.#waiting.add(key);
    this.#loop.after(this.#random.fraction() * 200, () => {
      this.#waiting.delete(key);
      super.put(key, bytes, options).catch(() => undefined);
    });
  }
}

/** Loses one pack in fifty. */
class Losing extends Mutant {
  readonly #random: SeededRandom;

  constructor(bucket: Bucket, random: SeededRandom) {
    super(bucket);
    this.#random = random;
  }

  override async put(key: string, bytes: Bytes, options?: PutOptions): Promise<void> {
    if (!key.startsWith('packs/') || this.#random.fraction() >= 0.02) {
      await super.put(key, bytes, options);
    }
  }
}

/** Shows the first half of an object for a while before it shows all of it. */
class Halving extends Mutant {
  readonly #loop: Loop;
  readonly #made = new Map<string, number>();

  constructor(bucket: Bucket, loop: Loop) {
    super(bucket);
    this.#loop = loop;
  }

  override async put(key: string, bytes: Bytes, options?: PutOptions): Promise<void> {
    await super.put(key, bytes, options);
    this.#made.set(key, this.#loop.time);
  }

  override async get(key: string, options?: GetOptions): Promise<Buffer> {
    const bytes = await super.get(key, options);
    const age = this.#loop.time - (this.#made.get(key) ?? 0);
    return age < 200 ? bytes.subarray(0, bytes.length / 2) : bytes;
  }
}

/** Keeps what was written in the last seconds in a memory that a power failure empties. */
class Unsynced extends Mutant {
  readonly #loop: Loop;
  readonly #made = new Map<string, number>();

  constructor(bucket: Bucket, loop: Loop) {
    super(bucket);
    this.#loop = loop;
  }

  override async put(key: string, bytes: Bytes, options?: PutOptions): Promise<void> {
    await super.put(key, bytes, options);
    this.#made.set(key, this.#loop.time);
  }

  fail(): void {
    for (const [key, time] of this.#made) {
      if (this.#loop.time - time < 5000) {
        void this.bucket.delete(key);
      }
    }
  }
}

function unsynced(): Mutation {
  let store: Unsynced | undefined;
  return {
    wrap: (bucket, loop) => {
      store = new Unsynced(bucket, loop);
      return store;
    },
    afterKill: () => store?.fail(),
  };
}

/** The planted faults, by name. */
export const MUTATIONS: Readonly<Record<string, () => Mutation>> = {
  'a store that tells two writers of a key that both have won': () => ({
    wrap: (bucket) => new TwoWinners(bucket),
  }),
  'a store that overwrites where it must not': () => ({
    wrap: (bucket) => new Overwriting(bucket),
  }),
  'a journal entry acknowledged before it is written': () => ({
    wrap: (bucket, loop, random) => new Hasty(bucket, loop, random),
  }),
  'a pack that was acknowledged and never written': () => ({
    wrap: (bucket, _loop, random) => new Losing(bucket, random),
  }),
  'a store in which others see half of an object': () => ({
    wrap: (bucket, loop) => new Halving(bucket, loop),
  }),
  'an fsync that was left out': unsynced,
  'a client whose retry is taken for another request': () => ({ forgetsRequests: true }),
};
