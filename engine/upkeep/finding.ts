// What a check of a store has to say. Plain data, in the words of the person who asked.

/** How bad it is: bytes that are gone or wrong; something odd that harms nothing; something good to know. */
export type FindingLevel = 'damage' | 'warning' | 'note';

/**
 * What would put it right: `rebuild`, from other objects of the same store; `copy`, the same object of another store;
 * nothing, where there is nothing to put right.
 */
export type Remedy = 'rebuild' | 'copy' | null;

export interface Finding {
  readonly level: FindingLevel;
  /** The object of the bucket it is about, or null where it is about none. */
  readonly key: string | null;
  /** A sentence. */
  readonly message: string;
  readonly remedy: Remedy;
}

/** A file or directory of commits that can't be read whole. */
export interface AffectedPath {
  /** `project/name`. */
  readonly repo: string;
  /** With a leading slash; `/` is all of it. */
  readonly path: string;
  /** In how many commits it is. */
  readonly commits: number;
  /** The newest of them. */
  readonly newest: string;
}

/** What was looked at, and what came of it. */
export interface CheckSummary {
  /** Whether every byte was read and compared with its hash. */
  readonly data: boolean;
  /** The newest journal entry that was taken into account. */
  readonly sequence: number;
  readonly commits: number;
  readonly packs: number;
  readonly objects: number;
  /** Bytes that were read of packs. */
  readonly bytes: number;
  readonly damaged: number;
  readonly warnings: number;
  readonly affected: readonly AffectedPath[];
  /** How many more paths are affected than are listed. */
  readonly omitted: number;
}

/** What a check says while it goes on, and at its end. */
export type CheckReport =
  | {
      readonly kind: 'progress';
      readonly stage: string;
      readonly done: number;
      readonly total: number;
    }
  | ({ readonly kind: 'finding' } & Finding)
  | ({ readonly kind: 'summary' } & CheckSummary);

/** Makes a finding of damage. */
export function damage(key: string | null, message: string, remedy: Remedy): Finding {
  return { level: 'damage', key, message, remedy };
}

/** Makes a finding of something odd. */
export function warning(key: string | null, message: string): Finding {
  return { level: 'warning', key, message, remedy: null };
}

/** Makes a finding of something good to know. */
export function note(message: string): Finding {
  return { level: 'note', key: null, message, remedy: null };
}
