// What a decision needs beyond the state: records of history, and objects that must be stored before they are named.
// A decision is a pure function that asks for facts; one that is missing ends the attempt, is fetched, and the decision
// runs again on whatever the state is by then.

import type { PfsContext } from './context.ts';
import type { SessionPacks, WriteSession } from './write-session.ts';

type Load = (session: () => WriteSession) => Promise<unknown>;

/** Thrown out of a decision to say that a fact must be fetched first. */
export class MissingFact extends Error {
  readonly key: string;
  readonly load: Load;
  /** It stores objects, so that what it stored must be named by the transaction. */
  readonly stores: boolean;

  constructor(key: string, options: { readonly load: Load; readonly stores: boolean }) {
    super(`missing fact "${key}"`);
    this.key = key;
    this.load = options.load;
    this.stores = options.stores;
  }
}

/** The facts of one change, kept over all attempts to decide it. */
export class Facts {
  readonly #context: PfsContext;
  readonly #isTrial: boolean;
  readonly #found = new Map<string, unknown>();
  readonly #stored = new Map<string, unknown>();
  #session: WriteSession | undefined;
  #packs: SessionPacks | undefined;

  /** A `trial` stores nothing: decisions get stand-ins for what would have been stored. */
  constructor(context: PfsContext, options: { readonly trial?: boolean } = {}) {
    this.#context = context;
    this.#isTrial = options.trial ?? false;
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

  /** As {@link Facts.find}, for objects that `store` writes. */
  store<T>(
    key: string,
    options: {
      readonly standIn: T;
      readonly write: (session: WriteSession) => Promise<T>;
    },
  ): T {
    if (this.#isTrial) {
      return options.standIn;
    }
    if (!this.#stored.has(key)) {
      throw new MissingFact(key, {
        load: (session) => options.write(session()),
        stores: true,
      });
    }
    return this.#stored.get(key) as T;
  }

  /** Fetches one fact. */
  async fetch({ key, load, stores }: MissingFact): Promise<void> {
    if (!stores) {
      this.#found.set(key, await load(() => this.#context.newSession()));
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
}
