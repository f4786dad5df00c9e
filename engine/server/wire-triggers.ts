// What travels about triggers, by which a branch follows another one of its repo by itself, and about schedules.

/** When a branch moves to the commit that the branch it follows has come to. Null: no such condition. */
export interface Trigger {
  /** The branch that is followed. */
  readonly branch: string;
  /** All conditions must hold, rather than any. */
  readonly all: boolean;
  /** Bytes by which the followed branch must be larger. */
  readonly size: number | null;
  /** Commits by which it must be ahead. */
  readonly commits: number | null;
  /** A schedule of which a time must have passed since the commit that the branch is at. */
  readonly rateLimit: string | null;
  /** A schedule at whose times the branch moves. */
  readonly cron: string | null;
}

/** A trigger as a client asks for it: at least one condition, and `cron` alone. */
export interface PutTrigger {
  /** Default: master. */
  readonly branch?: string;
  readonly all?: boolean;
  /** A number of bytes, as in `100M` or `1Gi`. */
  readonly size?: string;
  readonly commits?: number;
  readonly rateLimit?: string;
  readonly cron?: string;
}

/** A cron input of a pipeline. */
export interface CronTimes {
  /** Name of the input. */
  readonly input: string;
  readonly schedule: string;
  /** The next time of the schedule; null where there is none, or the pipeline is stopped. */
  readonly next: string | null;
}
