// What hosts one pipeline that runs for ever, and what it stands on.

import type { Clock } from '../base/clock.ts';
import type { Executor } from '../executor/executor.ts';
import type { Admission } from '../jobs/admission.ts';
import type { FileCache } from '../jobs/file-cache.ts';
import type { JobLogs } from '../jobs/logs.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { BatchDoors } from './batch-door.ts';

export interface HostParts {
  readonly context: PfsContext;
  readonly executor: Executor;
  readonly cache: FileCache;
  readonly clock: Clock;
  readonly logs: JobLogs;
  readonly secrets: Secrets;
  /** What containers share with the workers of jobs. */
  readonly admission: Admission;
  /** Where spouts send batches. */
  readonly batchDoors: BatchDoors;
  /** Directory for what containers see, on the same disk as the cache. */
  readonly scratch: string;
  /** What must stay free on that disk. */
  readonly minFreeBytes: number;
  /** This engine, as owners are named. */
  readonly self: string;
  readonly onProblem: (error: unknown) => void;
}

/** A container that runs for ever, as jobs show their workers. */
export interface HostedWorker {
  readonly name: string;
  /** The job whose inputs it has; of a spout, none. */
  readonly job: string | null;
  readonly datum: string | null;
  /** In milliseconds since the Unix epoch. */
  readonly since: number;
}

/** The work of this engine for one service or spout. */
export interface Host {
  readonly kind: 'service' | 'spout';
  readonly workers: readonly HostedWorker[];
  /** Looks at the state again: something was journaled. */
  refresh(): void;
  /** Ends the work; resolves when nothing of it is left but what another engine may go on with. */
  close(): Promise<void>;
}
