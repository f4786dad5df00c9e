// The record of what the engines of a store keep for their upkeep.

/** What the engines of a store keep for their upkeep, one record. */
export interface UpkeepRecord {
  /** Packs with lower ids can't be added any more; empty before the first collection. */
  readonly horizon: string;
  /** The engine that collects now; null when none does. */
  readonly owner: string | null;
  /** When the last collection began and ended, by the clock of the engine that did it. */
  readonly started: number;
  readonly finished: number;
}

/** The key of the one upkeep record. */
export const UPKEEP_KEY = 'upkeep';
