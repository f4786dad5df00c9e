// What a decision needs beyond the state: records of history, and objects that must be stored before they are named.
// A decision is a pure function that asks for facts; one that is missing ends the attempt, is fetched, and the decision
// runs again on whatever the state is by then.

import { EngineError } from '../base/errors.ts';
import type { PfsContext } from './context.ts';
import type { SessionPacks, WriteSession } from './write-session.ts';

type Load = (session: () => WriteSession) => Promise<unknown>;

/** Thrown out of a decision to say that a fact must be fetched first. */
export class MissingFact extends Error {
  readonly key: string;
  readonly load: Load;
  /** It stores objects, so that what it stored must be named by the transaction. */
  readonly stores: boolean;
  /** Lets go of what was found. */
  readonly close: ((found: unknown) => void) | undefined;

  constructor(
    key: string,
    options: {
      readonly load: Load;
      readonly stores: boolean;
      readonly close?: ((found: unknown) => void) | undefined;
    },
  ) {
    super(`missing fact "${key}"`);
    this.key = key;
    this.load = options.load;
    this.stores = options.stores;
    this.close = options.close;
  }
}

/** How to find something out that may stop being true while it is used. */
export interface Finding<T> {
  readonly load: () => Promise<T>;
  /** Throws an error for which `isStale` says yes where what was found does not hold on the state as it is. */
  readonly check: (found: T) => void;
  readonly isStale: (error: unknown) => boolean;
  readonly close: (found: T) => void;
  /** For when it never holds for long enough. */
  readonly message: string;
}

/** What a decision has stored. */
export interface StoreOptions<T> {
  /** Takes its place where nothing is to be stored, and until it is. */
  readonly standIn: T;
  readonly write: (session: WriteSession) => Promise<T>;
  /** No other thing that is stored depends on it: all such are stored between two runs of the decision. */
  readonly isApart?: boolean;
}

/** How often a finding is made anew. */
const MAX_FINDINGS = 20;

/** The facts of one change, kept over all attempts to decide it. */
export class Facts {
  readonly #context: PfsContext;
  /** Nothing is to be stored. */
  readonly isTrial: boolean;
  readonly #found = new Map<string, unknown>();
  readonly #stored = new Map<string, unknown>();
  readonly #closers = new Map<string, () => void>();
  readonly #counts = new Map<string, number>();
  /** What was missing and got a stand-in; undefined where nothing does. */
  #noted: Map<string, MissingFact> | undefined;
  #session: WriteSession | undefined;
  #packs: SessionPacks | undefined;

  /** A `trial` stores nothing: decisions get stand-ins for what would have been stored. */
  constructor(context: PfsContext, options: { readonly trial?: boolean } = {}) {
    this.#context = context;
    this.isTrial = options.trial ?? false;
  }

  /** The packs that hold what was stored; undefined while there are none, or they are not durable. */
  get packs(): SessionPacks | undefined {
    return this.#packs;
  }

  /** Returns what `load` found out under this key, which must name all that it depends on. */
  find<T>(key: string, load: () => Promise<T>): T {
    if (!this.#found.has(key)) {
      throw new MissingFact(key, { load, stores: false });
    }
    return this.#found.get(key) as T;
  }

  /** As {@link Facts.find}, for what must be looked at again when it has stopped being true; `conflict` when that goes on. */
  findHolding<T>(key: string, finding: Finding<T>): T {
    const { load, check, isStale, close, message } = finding;
    const missing = () =>
      new MissingFact(key, { load, stores: false, close: (found) => close(found as T) });
    if (!this.#found.has(key)) {
      throw missing();
    }
    const found = this.#found.get(key) as T;
    try {
      check(found);
      return found;
    } catch (error) {
      if (!isStale(error)) {
        throw error;
      }
      const count = (this.#counts.get(key) ?? 1) + 1;
      this.#counts.set(key, count);
      throw count > MAX_FINDINGS ? conflict(message, error) : missing();
    }
  }

  /** As {@link Facts.find}, for objects that `store` writes. */
  store<T>(key: string, options: StoreOptions<T>): T {
    if (this.isTrial) {
      return options.standIn;
    }
    if (!this.#stored.has(key)) {
      const missing = new MissingFact(key, {
        load: (session) => options.write(session()),
        stores: true,
      });
      if (!this.#noted || !options.isApart) {
        throw missing;
      }
      this.#noted.set(key, missing);
      return options.standIn;
    }
    return this.#stored.get(key) as T;
  }

  /** Returns the facts that a run of a decision misses: as many as can be told at once. Rejects as the run does when it misses none. */
  missingIn(run: () => void): MissingFact[] {
    const noted = new Map<string, MissingFact>();
    this.#noted = noted;
    try {
      run();
    } catch (error) {
      if (error instanceof MissingFact) {
        noted.set(error.key, error);
      } else if (noted.size === 0) {
        // Otherwise a stand-in may be what it failed at.
        throw error;
      }
    } finally {
      this.#noted = undefined;
    }
    return [...noted.values()];
  }

  /** Fetches one fact. */
  async fetch({ key, load, stores, close }: MissingFact): Promise<void> {
    if (!stores) {
      this.#closers.get(key)?.();
      this.#closers.delete(key);
      const found = await load(() => this.#context.newSession());
      this.#found.set(key, found);
      if (close) {
        this.#closers.set(key, () => close(found));
      }
      return;
    }
    if (this.#packs) {
      // The session is over: what it held is stored again, with what has become different.
      this.restart();
    }
    this.#stored.set(
      key,
      await load(() => {
        this.#session ??= this.#context.newSession();
        return this.#session;
      }),
    );
  }

  /** Makes what was stored durable. */
  async flush(): Promise<void> {
    if (this.#session) {
      const session = this.#session;
      this.#session = undefined;
      this.#packs = await session.finish();
    }
  }

  /** Forgets what was stored, so that it is stored anew. */
  restart(): void {
    this.#session?.discard();
    this.#session = undefined;
    this.#packs = undefined;
    this.#stored.clear();
  }

  /** Lets go of everything. */
  close(): void {
    this.restart();
    for (const close of this.#closers.values()) {
      close();
    }
    this.#closers.clear();
    this.#found.clear();
  }
}

function conflict(message: string, cause: unknown): EngineError {
  return new EngineError('conflict', message, { cause });
}
