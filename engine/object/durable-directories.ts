// Directories whose entries survive a power cut. Knows which ones exist, so that a put need not ask.

import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../base/errors.ts';

interface Syncing {
  running: Promise<void>;
  /** Entries that are written by now may not be among those which it makes durable. */
  hasBegun: boolean;
  next?: Promise<void>;
}

/** The directories below one root, which itself exists. */
export class DurableDirectories {
  readonly #root: string;
  readonly #known = new Map<string, Promise<void>>();
  /** Those of them that are made. */
  readonly #durable = new Set<string>();
  readonly #syncing = new Map<string, Syncing>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes `directory` and whatever is missing above it, durably. Costs nothing when it is known. */
  ensure(directory: string): Promise<void> {
    if (directory === this.#root) {
      return Promise.resolve();
    }
    const known = this.#known.get(directory);
    if (known !== undefined) {
      return known;
    }
    const made = this.#make(directory);
    this.#known.set(directory, made);
    made.catch(() => this.#known.delete(directory));
    return made;
  }

  /** Returns whether `directory` is known to be there, durably. */
  has(directory: string): boolean {
    return directory === this.#root || this.#durable.has(directory);
  }

  /** Takes note of a directory that somebody else made, durably. */
  add(directory: string): void {
    this.#known.set(directory, Promise.resolve());
    this.#durable.add(directory);
  }

  /** Forgets that `directory` exists, since it turned out that it does not, or may not. */
  forget(directory: string): void {
    for (let path = directory; path.length > this.#root.length; path = dirname(path)) {
      this.#known.delete(path);
      this.#durable.delete(path);
    }
  }

  /**
   * Makes the entries of `directory` durable that were there when the call was made. Calls that come while one
   * is about to begin share it, and those that come later the next one.
   */
  sync(directory: string): Promise<void> {
    const current = this.#syncing.get(directory);
    if (current === undefined) {
      return this.#start(directory);
    }
    if (!current.hasBegun) {
      return current.running;
    }
    current.next ??= current.running.then(
      () => this.#start(directory),
      () => this.#start(directory),
    );
    return current.next;
  }

  #start(directory: string): Promise<void> {
    const entry: Syncing = { running: Promise.resolve(), hasBegun: false };
    entry.running = syncDirectory(directory, () => {
      entry.hasBegun = true;
    });
    this.#syncing.set(directory, entry);
    const clear = () => {
      if (entry.next === undefined) {
        this.#syncing.delete(directory);
      }
    };
    entry.running.then(clear, clear);
    return entry.running;
  }

  async #make(directory: string): Promise<void> {
    const parent = dirname(directory);
    await this.ensure(parent);
    try {
      await mkdir(directory);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') {
        throw error;
      }
    }
    // Also when it was there: whoever made it may have been killed before the parent was durable.
    await this.sync(parent);
    this.#durable.add(directory);
  }
}

/** Makes the entries of a directory durable that are there when `onBegin` is called. */
export async function syncDirectory(directory: string, onBegin?: () => void): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    onBegin?.();
    await handle.sync();
  } finally {
    await handle.close();
  }
}
