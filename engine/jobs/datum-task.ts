// What a worker is asked to do for one datum, and what it answers. Plain data and two callbacks: nothing here needs
// the engine that asks to be in the same process.

import type { JobStats } from '../journal/records.ts';
import type { ContentReader, ContentWriter } from './contents.ts';
import type { DatumBuckets } from './datum-buckets.ts';

/** One file or directory of a repo to show to user code at `/pfs/<input><path>`. */
export interface MountEntry {
  /** Name of the input, the directory below `/pfs`. */
  readonly input: string;
  /** Within the repo, with a leading slash; `/` is all of it. */
  readonly path: string;
  /** Git mode: 100644, 100755 or 40000. */
  readonly mode: string;
  /** Git id of the blob or tree. */
  readonly id: string;
  /** Show names only: every file has no bytes. */
  readonly emptyFiles?: boolean;
  /** Show files as pipes that are filled when they are opened, where that is possible. */
  readonly lazy?: boolean;
}

/** One datum to process. */
export interface DatumTask {
  /** Id of the datum, for messages. */
  readonly datum: string;
  readonly entries: readonly MountEntry[];
  /** What user code reads and writes through S3; absent where it does neither. */
  readonly buckets?: DatumBuckets;
  /** Everything that user code finds in its environment, beside what the image sets, and where its buckets are. */
  readonly environment: Readonly<Record<string, string>>;
  /** argv; empty: the image's own entrypoint and command. */
  readonly command: readonly string[];
  readonly stdin?: string;
  readonly workingDirectory?: string;
  /** The command stays up, and asks for one datum after the other. */
  readonly takesDatums?: boolean;
  /** Exit codes that count as success beside 0. */
  readonly acceptReturnCodes: readonly number[];
  /** What is run after a failed attempt: where it exits with 0, the datum is recovered, without output. */
  readonly recovery?: { readonly command: readonly string[]; readonly stdin?: string };
  /** Attempts in all, at least 1. */
  readonly tries: number;
  /** Limit of one attempt. */
  readonly timeoutMs?: number;
  readonly contents: ContentReader;
  /**
   * Lends the writer for the output while `use` runs, so that whoever owns it can make everything durable between
   * two uses.
   */
  readonly withWriter: <T>(use: (writer: ContentWriter) => Promise<T>) => Promise<T>;
}

export interface DatumRunOptions {
  /** Ends the datum: the command is killed, and `run` rejects with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Gets what user code prints, in order. A promise it returns is awaited before more is read. */
  readonly onLog?: (chunk: Buffer) => void | Promise<void>;
}

/** How processing a datum ended. */
export interface DatumOutcome {
  readonly state: 'success' | 'failed' | 'recovered';
  /** `name@version` of the secrets that it could see; absent for none. */
  readonly secrets?: readonly string[];
  /** Git tree of what the datum wrote; null where it wrote no file, and where it failed or was recovered. */
  readonly output: string | null;
  /** Of the last attempt; null where the command did not end by itself. */
  readonly exitCode: number | null;
  /** Why it, or the attempt that it was recovered from, failed, in a sentence; empty on success. */
  readonly reason: string;
  /** The last lines that the last attempt printed: at most 20 lines and 4 KiB. */
  readonly lastLines: readonly string[];
  /** Attempts made. */
  readonly tries: number;
  /** Times are sums over the attempts. */
  readonly stats: JobStats;
  /** When the first attempt began, in milliseconds since the Unix epoch. */
  readonly started: number;
}
