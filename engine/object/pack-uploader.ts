// What all write sessions of an engine share: the way packs go to the store, and the memory they may fill.
// It never deletes what it uploaded.

import { setImmediate } from 'node:timers/promises';
import type { ByteBudget } from '../base/byte-budget.ts';
import type { IdMaker } from '../base/ids.ts';
import { packIndexKey, packKey } from './keys.ts';
import type { ObjectStore } from './object-store.ts';
import type { PackIndex } from './pack-index.ts';

/** A write session as the uploader sees it when memory is short. */
export interface UnsentPack {
  /** Bytes of memory held by the part of the session that is not being sent yet. */
  readonly unsent: number;
  /** Closes the unsent pack and starts sending it. */
  seal(): void;
}

const PARALLEL_UPLOADS = 3;

/** Sends packs, a few at a time, and hands out the memory in which sessions collect them. */
export class PackUploader {
  readonly #store: ObjectStore;
  readonly #ids: IdMaker;
  readonly #budget: ByteBudget;
  readonly #sessions = new Set<UnsentPack>();
  /** What is waited for, the longest wait first. */
  readonly #wants = new Set<{ readonly bytes: number }>();
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(store: ObjectStore, options: { ids: IdMaker; budget: ByteBudget }) {
    this.#store = store;
    this.#ids = options.ids;
    this.#budget = options.budget;
  }

  /** The memory that all sessions share, in bytes. */
  get budgetBytes(): number {
    return this.#budget.total;
  }

  /** Returns the id for a new pack; no pack ever had it. */
  newPackId(): string {
    return this.#ids.next();
  }

  /** Makes a session known, so that it can be asked to send early when memory is short. */
  enter(session: UnsentPack): void {
    this.#sessions.add(session);
  }

  leave(session: UnsentPack): void {
    this.#sessions.delete(session);
  }

  /**
   * Waits for `bytes` of memory; returns the function that gives them back. When there is none left the sessions
   * that hold most send what they have: memory held by sessions that are idle can't stop those that work.
   */
  async acquire(bytes: number): Promise<() => void> {
    const granted = this.#budget.acquire(bytes);
    const settled = await Promise.race([granted, setImmediate(undefined)]);
    if (settled !== undefined) {
      return settled;
    }
    const want = { bytes };
    this.#wants.add(want);
    try {
      this.#seal(bytes);
      return await granted;
    } finally {
      this.#wants.delete(want);
    }
  }

  /** Uploads a pack and its index. Both are durable when it resolves. */
  async upload(
    id: string,
    pack: { parts: () => Promise<Uint8Array[]>; index: PackIndex },
  ): Promise<void> {
    await this.#enterQueue();
    try {
      // Settled, not all: memory must not be given back while one of the two is still being sent.
      const results = await Promise.allSettled([
        pack.parts().then((parts) => this.#store.put(packKey(id), parts, { ifAbsent: true })),
        this.#store.put(packIndexKey(id), pack.index.bytes, { ifAbsent: true }),
      ]);
      for (const result of results) {
        if (result.status === 'rejected') {
          throw result.reason;
        }
      }
    } finally {
      this.#leaveQueue();
      void this.#sealForOthers();
    }
  }

  /** What an upload held may have gone to sessions that collect more, while others still wait for theirs. */
  async #sealForOthers(): Promise<void> {
    await setImmediate();
    for (const { bytes } of this.#wants) {
      this.#seal(bytes);
      return;
    }
  }

  /** Closes the largest unsent packs that together hold `bytes`, or all there are. */
  #seal(bytes: number): void {
    const unsent = [...this.#sessions].filter((session) => session.unsent > 0);
    unsent.sort((a, b) => b.unsent - a.unsent);
    let sealed = 0;
    for (const session of unsent) {
      if (sealed >= bytes) {
        return;
      }
      sealed += session.unsent;
      session.seal();
    }
  }

  async #enterQueue(): Promise<void> {
    if (this.#running < PARALLEL_UPLOADS) {
      this.#running += 1;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leaveQueue(): void {
    const next = this.#waiting.shift();
    if (next) {
      next();
    } else {
      this.#running -= 1;
    }
  }
}
