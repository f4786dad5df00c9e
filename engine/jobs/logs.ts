// What user code prints, kept with its job: taken as bytes, stored as lines, read back and followed.

import type { Clock } from '../base/clock.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { JobLog, type JobLogLimits } from './job-log.ts';
import { LineSplitter } from './line-splitter.ts';
import type { DatumSet } from './log-datums.ts';
import type { LogRecord } from './log-record.ts';

/** A job by its id, which is its commit set's, and its pipeline. */
export interface JobName {
  readonly id: string;
  readonly pipeline: string;
}

export interface ReadLogOptions {
  /** Id of the job. */
  readonly job: string;
  /** Only the lines of these pipelines. */
  readonly pipelines?: ReadonlySet<string>;
  /** Only the lines of the datum whose id begins with this; an empty one is for what concerns the whole job. */
  readonly datum?: string;
  /** Only the lines of these datums. */
  readonly datums?: DatumSet;
  /** Only lines of this time or later, in milliseconds since the Unix epoch. */
  readonly since?: number;
  /** Only lines of this time or earlier. */
  readonly until?: number;
  /** Only lines that hold this text. */
  readonly text?: string;
  /** Only this many of the last lines. */
  readonly tail?: number;
}

export interface JobLogsOptions extends Partial<JobLogLimits> {
  readonly clock: Clock;
  /** What is kept of one datum's lines; 10 MiB where not named. */
  readonly maxDatumBytes?: number;
}

const MiB = 1024 * 1024;

/** The logs of all jobs. */
export class JobLogs {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #limits: JobLogLimits;
  readonly #maxDatumBytes: number;
  readonly #jobs = new Map<string, JobLog>();
  readonly #followers = new Map<JobLog, number>();

  constructor(store: ObjectStore, options: JobLogsOptions) {
    this.#store = store;
    this.#clock = options.clock;
    this.#maxDatumBytes = options.maxDatumBytes ?? 10 * MiB;
    this.#limits = {
      segmentBytes: options.segmentBytes ?? MiB,
      flushMs: options.flushMs ?? 2000,
      bufferBytes: options.bufferBytes ?? 8 * MiB,
      maxWaitMs: options.maxWaitMs ?? 5000,
    };
  }

  /**
   * Opens the log of one datum; an empty `datum` is for what concerns the whole job. Of its lines `maxBytes` are kept, or as
   * much as of any.
   */
  open(job: JobName, datum: string, options: { readonly maxBytes?: number } = {}): DatumLog {
    return new DatumLog(() => this.#job(job.id), {
      pipeline: job.pipeline,
      datum,
      clock: this.#clock,
      maxBytes: options.maxBytes ?? this.#maxDatumBytes,
    });
  }

  /** Resolves when all lines of a job are stored; rejects with `unavailable` where the store fails for too long. */
  async flush(job: Pick<JobName, 'id'>): Promise<void> {
    const log = this.#jobs.get(job.id);
    await log?.flush();
    this.#release(job.id);
  }

  /** Stores the lines of all jobs: before the engine ends. */
  async close(): Promise<void> {
    await Promise.all([...this.#jobs.keys()].map((id) => this.flush({ id })));
  }

  /** Yields the lines that are there, in order, those not yet stored included. */
  read(options: ReadLogOptions): AsyncGenerator<LogRecord> {
    return this.#read(options, {});
  }

  /**
   * Yields the lines that are there and then what comes, as soon as it comes, of jobs that run in this engine. Ends once
   * `signal` aborts and what had come by then is handed out: abort it when the job is done.
   */
  follow(options: ReadLogOptions & { signal: AbortSignal }): AsyncGenerator<LogRecord> {
    return this.#read(options, { signal: options.signal });
  }

  /** Counts the lines that are there, from the end, until there are `most`. */
  async count(options: ReadLogOptions & { readonly most: number }): Promise<number> {
    const log = this.#hold(options.job);
    try {
      return await log.count({ accepts: acceptor(options), most: options.most });
    } finally {
      this.#letGo(options.job, log);
    }
  }

  async *#read(
    options: ReadLogOptions,
    { signal }: { signal?: AbortSignal },
  ): AsyncGenerator<LogRecord> {
    const { job, tail } = options;
    const log = this.#hold(job);
    try {
      yield* log.read({
        accepts: acceptor(options),
        ...(tail === undefined ? {} : { tail }),
        ...(signal === undefined ? {} : { signal }),
      });
    } finally {
      this.#letGo(job, log);
    }
  }

  /** Keeps a log from being forgotten while it is read. */
  #hold(id: string): JobLog {
    const log = this.#job(id);
    this.#followers.set(log, (this.#followers.get(log) ?? 0) + 1);
    return log;
  }

  #letGo(id: string, log: JobLog): void {
    const left = (this.#followers.get(log) ?? 1) - 1;
    if (left === 0) {
      this.#followers.delete(log);
    } else {
      this.#followers.set(log, left);
    }
    this.#release(id);
  }

  #job(id: string): JobLog {
    let log = this.#jobs.get(id);
    if (!log) {
      log = new JobLog(id, { store: this.#store, clock: this.#clock, limits: this.#limits });
      this.#jobs.set(id, log);
    }
    return log;
  }

  /** Forgets a log that the store has all of and nobody follows; the next line opens it again. */
  #release(id: string): void {
    const log = this.#jobs.get(id);
    if (log?.isStored && !this.#followers.has(log)) {
      this.#jobs.delete(id);
    }
  }
}

/** Takes what one datum's command prints. */
export class DatumLog {
  readonly #job: () => JobLog;
  readonly #options: { pipeline: string; datum: string; clock: Clock; maxBytes: number };
  readonly #splitter = new LineSplitter((line) => this.#add(line));
  #bytes = 0;

  constructor(
    job: () => JobLog,
    options: { pipeline: string; datum: string; clock: Clock; maxBytes: number },
  ) {
    this.#job = job;
    this.#options = options;
  }

  /** Takes the next bytes. Where it returns a promise the store is behind: await it before more. */
  write(chunk: Buffer): Promise<void> | undefined {
    this.#splitter.push(chunk);
    return this.#job().room();
  }

  /** Ends the last line. More may follow, as of another attempt. */
  end(): Promise<void> | undefined {
    this.#splitter.end();
    return this.#job().room();
  }

  #add(line: string): void {
    const { pipeline, datum, clock, maxBytes } = this.#options;
    if (this.#bytes > maxBytes) {
      return;
    }
    this.#bytes += line.length;
    const message =
      this.#bytes > maxBytes
        ? `pfs: this datum printed more than ${Math.round(maxBytes / 1024)} KiB; the rest is not kept`
        : line;
    this.#job().add({ time: clock.now(), pipeline, datum, message });
  }
}

/** Says which lines are wanted. A line without a pipeline is the engine's own word on the whole log. */
function acceptor(options: ReadLogOptions): (record: LogRecord) => boolean {
  const { pipelines, datum, datums, text } = options;
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = options;
  return (record) => {
    const isWanted =
      record.pipeline === '' ||
      ((pipelines === undefined || pipelines.has(record.pipeline)) &&
        isOf(record, datum) &&
        (datums === undefined || datums.has(record.datum)));
    return (
      isWanted &&
      record.time >= since &&
      record.time <= until &&
      (text === undefined || record.message.includes(text))
    );
  };
}

/** The beginning of a datum's id is enough; nothing at all is what concerns the whole job. */
function isOf(record: LogRecord, datum: string | undefined): boolean {
  return (
    datum === undefined || (datum === '' ? record.datum === '' : record.datum.startsWith(datum))
  );
}
