// What a collection did, or would do: for people, and for programs.

/** Some packs, or other objects of the store, and their bytes. */
export interface Amount {
  readonly count: number;
  readonly bytes: number;
}

/** Why packs stay as they are, and how many of their bytes nothing reaches. */
export interface KeptPacks extends Amount {
  readonly garbage: number;
}

export interface CollectReport {
  readonly dryRun: boolean;
  /** The grace period, in milliseconds. */
  readonly graceMs: number;
  /** Objects and bytes that are reached, of all live packs. */
  readonly live: Amount;
  /** Packs that nothing reaches: out of use now, deleted when the grace period has passed. */
  readonly dead: Amount;
  /** Packs of which less than half is reached, and what of them was written anew. */
  readonly sparse: Amount;
  readonly rewritten: Amount;
  /** Packs that stay since at least half of each is reached. */
  readonly full: KeptPacks;
  /** Packs that stay since a transaction has used them within the grace period. */
  readonly young: KeptPacks;
  /** Packs that were used by somebody while the collection ran, and stay therefore. */
  readonly busy: Amount;
  /** Packs taken out of use at least a grace period ago: their objects are deleted. */
  readonly deleted: Amount;
  /** Packs out of use for less than that. */
  readonly waiting: Amount;
  /** Objects of uploads that never became part of anything, and other leftovers: deleted. */
  readonly orphans: Amount;
  /** Segments of logs of jobs that were deleted. */
  readonly logs: Amount;
  /** Pages of history that others have taken the place of: deleted. */
  readonly pages: Amount;
  /** Commits that the settings of their repos don't keep: in the trash now. */
  readonly expired: number;
  /** Datums of which the results went with the last job that had them. */
  readonly results: number;
  /** What was deleted by users: out of reach of `undelete` now, and still within reach. */
  readonly emptied: number;
  readonly trash: number;
}

export const NONE: Amount = { count: 0, bytes: 0 };

/** Adds up what packs hold. */
export function amountOf(packs: Iterable<{ readonly bytes: number }>): Amount {
  let count = 0;
  let bytes = 0;
  for (const pack of packs) {
    count += 1;
    bytes += pack.bytes;
  }
  return { count, bytes };
}
