// What the API stands on. Handed in by main; routes hold no state of their own.

import type { CacheCounts } from '../base/cache-counts.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { ExecutorHealth } from '../executor/executor.ts';
import type { Hosting } from '../hosting/hosting.ts';
import type { GitWatcher } from '../jobs/git-watcher.ts';
import type { JobLogs } from '../jobs/logs.ts';
import type { Workbench } from '../jobs/workbench.ts';
import type { WorkerPool } from '../jobs/worker-pool.ts';
import type { ObjectStore } from '../object/object-store.ts';
import type { CommitQueue } from '../pfs/commit-queue.ts';
import type { PfsContext } from '../pfs/context.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { DoctorCheck } from '../upkeep/doctor.ts';
import type { Upkeep } from '../upkeep/upkeep.ts';
import type { Metrics } from './metrics.ts';

/** What can be done with a store, also where the engine could not open it. */
export interface StoreParts {
  /** The store itself, past the local cache. */
  readonly bucket: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** The engine's own view of the store, where it could be opened. */
  readonly context?: PfsContext;
  /** Directories whose disks must have room, by what they are for. */
  readonly directories: Readonly<Record<string, string>>;
  /** The version of Node. */
  readonly node: string;
  /** Opens another store by its URL, with the credentials of this one. */
  openStore(url: string): Promise<ObjectStore>;
  executorHealth(): Promise<ExecutorHealth>;
  /** What else there is to say of the health of an engine that could open its store. */
  readonly moreChecks?: () => readonly DoctorCheck[];
}

export interface EngineParts {
  readonly store: StoreParts;
  readonly context: PfsContext;
  readonly queue: CommitQueue;
  readonly pool: WorkerPool;
  readonly workbench: Workbench;
  readonly hosting: Hosting;
  readonly upkeep: Upkeep;
  readonly logs: JobLogs;
  readonly secrets: Secrets;
  readonly metrics: Metrics;
  /** How the caches serve, by what they hold. */
  readonly caches: Readonly<Record<string, CacheCounts>>;
  readonly gits: GitWatcher;
  readonly version: string;
  /** Random id of this run. */
  readonly id: string;
  readonly storeUrl: string;
  /** A folder that is there, for what is on its way and gone soon. */
  readonly scratch: string;
  readonly executorKind: string;
  readonly started: number;
  executorHealth(): Promise<ExecutorHealth>;
  runningJobs(): number;
  /** Ends the engine once in-flight work is safe. Returns at once. */
  shutDown(): void;
}
