// The newest changes of a store, in memory, for all who follow them. A follower is a position and nothing else, so that
// one who reads slowly costs nothing; one whose position has been left behind is told so.

import type { Entry } from '../journal/definition.ts';
import type { PfsContext } from '../pfs/context.ts';
import { type ChangedKeys, changedKeys } from './changed-keys.ts';
import { type Witnesses, witnessesOf } from './witnesses.ts';

/** What one entry changed. */
export interface LoggedChange {
  readonly seq: number;
  readonly keys: ChangedKeys;
  /** How many keys and witnesses it holds. */
  readonly count: number;
  /** Who could read what it deletes; undefined where it deletes something and that is not known any more. */
  readonly witnesses: Witnesses | undefined;
}

export interface ChangeLogLimits {
  /** The most keys and witnesses in memory, of all changes; an entry with more is told as lost changes are. */
  readonly keys: number;
  /** The most changes in memory. */
  readonly changes: number;
  /** How many entries from before the start of the engine are read again for who asks. */
  readonly before: number;
}

const LIMITS: ChangeLogLimits = { keys: 200_000, changes: 10_000, before: 1000 };

/** Follows a journal for as long as the engine runs. */
export class ChangeLog {
  readonly #journal: PfsContext['journal'];
  readonly #limits: ChangeLogLimits;
  #changes: LoggedChange[] = [];
  /** All changes of later entries are in memory. */
  #from: number;
  /** The least position that is read again from the store. */
  readonly #least: number;
  #keys = 0;
  /** Whether none has been let go of: then what was before the start may be read from the store. */
  #isWhole = true;
  #filling: Promise<void> | undefined;
  /** Of the entry that is being folded in. */
  #witnesses: Witnesses | undefined;

  constructor(journal: PfsContext['journal'], limits: Partial<ChangeLogLimits> = {}) {
    this.#journal = journal;
    this.#limits = { ...LIMITS, ...limits };
    this.#from = journal.seq;
    this.#least = Math.max(0, journal.seq - this.#limits.before);
    journal.foresee((entry) => {
      this.#witnesses = undefined;
      this.#witnesses = witnessesOf(entry, journal.state);
    });
    journal.subscribe((entry) => {
      const change = this.#changeOf(entry, this.#witnesses);
      if (change) {
        this.#changes.push(change);
        this.#keys += change.count;
        this.#trim();
      }
    });
  }

  /** The newest position. */
  get seq(): number {
    return this.#journal.seq;
  }

  /** Returns the first change after a position, undefined where there is none yet, or `lost` where that is not known any more. */
  after(position: number): LoggedChange | undefined | 'lost' {
    if (position < this.#from || position > this.seq) {
      return 'lost';
    }
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.seq ?? 0) > position) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return this.#changes[low];
  }

  /** Reads, where that is not too much, what came after a position from before the start of the engine. */
  async reach(position: number): Promise<void> {
    if (position > this.seq) {
      // Another engine of the store may have been quicker.
      await this.#journal.sync();
    }
    if (position < this.#from && position >= this.#least && this.#isWhole) {
      this.#filling ??= this.#fill(this.#least).finally(() => {
        this.#filling = undefined;
      });
      await this.#filling;
    }
  }

  /** Resolves once the newest position is another one; rejects when `signal` aborts or the journal stops. */
  async moved(position: number, signal: AbortSignal): Promise<void> {
    await this.#journal.waitFor(() => (this.seq === position ? undefined : true), { signal });
  }

  async #fill(first: number): Promise<void> {
    const until = this.#from;
    const found: LoggedChange[] = [];
    let keys = 0;
    for await (const entry of this.#journal.entries(first + 1)) {
      if (entry.seq > until || !this.#isWhole) {
        break;
      }
      // The state is not as it was before: only that something is gone is still to be seen.
      const deletes = witnessesOf(entry, this.#journal.state).size > 0;
      const change = this.#changeOf(entry, deletes ? undefined : new Map());
      if (change) {
        found.push(change);
        keys += change.count;
      }
      this.#isWhole &&= keys + this.#keys <= this.#limits.keys;
    }
    if (!this.#isWhole) {
      return;
    }
    this.#changes = [...found, ...this.#changes];
    this.#from = first;
    this.#keys += keys;
    this.#trim();
  }

  #changeOf(entry: Entry, witnesses: Witnesses | undefined): LoggedChange | undefined {
    const keys = changedKeys(entry, this.#journal.state);
    const changed = sizeOf(keys);
    const count = changed + sizeOf(witnesses ?? new Map());
    return changed === 0 ? undefined : { seq: entry.seq, keys, count, witnesses };
  }

  #trim(): void {
    const { keys, changes } = this.#limits;
    while (this.#changes.length > changes || this.#keys > keys) {
      const oldest = this.#changes.shift();
      this.#from = oldest?.seq ?? this.seq;
      this.#keys -= oldest?.count ?? this.#keys;
      this.#isWhole = false;
    }
  }
}

function sizeOf(sets: ReadonlyMap<unknown, ReadonlySet<unknown>>): number {
  return [...sets.values()].reduce((sum, { size }) => sum + size, 0);
}
