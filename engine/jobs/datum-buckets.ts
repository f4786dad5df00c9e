// What a datum reads and writes through S3, and the port to whatever serves it.

import { EngineError } from '../base/errors.ts';
import type { RepoKey } from '../journal/records.ts';
import type { OutFolder } from './out-folder.ts';

/** The buckets of one datum. */
export interface DatumBuckets {
  /** What is read, by the names of the inputs: each shows one commit. */
  readonly inputs: ReadonlyMap<string, { readonly repo: RepoKey; readonly commit: string }>;
  /** Whether the output is what is written to the bucket `out`. */
  readonly isOutput: boolean;
}

/** Buckets that a command can reach. */
export interface OpenBuckets {
  /** What tells the command where they are, and its keys, which open nothing else. */
  readonly environment: Readonly<Record<string, string>>;
  /** Nobody reads or writes them any more once this has resolved. */
  close(): Promise<void>;
}

/** Serves buckets to the commands of this engine's workers. */
export interface BucketDoor {
  /** Opens the buckets of a datum; `out` takes what is written. Rejects with `failed_precondition` where no command can reach them. */
  open(buckets: DatumBuckets, out: OutFolder): Promise<OpenBuckets>;
}

/** As {@link BucketDoor.open}; rejects with `failed_precondition` also where there is no door. */
export async function openBuckets(
  door: BucketDoor | undefined,
  { buckets, out }: { readonly buckets: DatumBuckets; readonly out: OutFolder },
): Promise<OpenBuckets> {
  if (!door) {
    throw new EngineError(
      'failed_precondition',
      'Cannot open buckets for a command: this engine serves none; run it with one that does',
    );
  }
  return await door.open(buckets, out);
}
