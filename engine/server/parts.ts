// What the API stands on. Handed in by main; routes hold no state of their own.

import type { ExecutorHealth } from '../executor/executor.ts';
import type { JobLogs } from '../jobs/logs.ts';
import type { WorkerPool } from '../jobs/worker-pool.ts';
import type { CommitQueue } from '../pfs/commit-queue.ts';
import type { PfsContext } from '../pfs/context.ts';

export interface EngineParts {
  readonly context: PfsContext;
  readonly queue: CommitQueue;
  readonly pool: WorkerPool;
  readonly logs: JobLogs;
  readonly version: string;
  /** Random id of this run. */
  readonly id: string;
  readonly storeUrl: string;
  readonly executorKind: string;
  readonly started: number;
  executorHealth(): Promise<ExecutorHealth>;
  runningJobs(): number;
  /** Ends the engine once in-flight work is safe. Returns at once. */
  shutDown(): void;
}
