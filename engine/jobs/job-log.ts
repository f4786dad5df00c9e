// The log of one job in this engine: lines wait in memory until a segment of them is stored, and followers read them
// in both places. A slow store holds user code up for a moment; after that lines are counted, not kept, and the count
// is logged.

import type { Clock } from '../base/clock.ts';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import { logPrefix, logSegmentKey } from '../object/keys.ts';
import type { ObjectStore } from '../object/object-store.ts';
import { decodeSegment, encodeSegment, type LogRecord } from './log-record.ts';
import { countLast, type LogSource, readAll, readTail } from './log-source.ts';
import { Wake } from './wake.ts';

export interface JobLogLimits {
  /** A segment is stored once its lines hold this many bytes. */
  readonly segmentBytes: number;
  /** A segment is stored once its first line is this old. */
  readonly flushMs: number;
  /** Bytes of lines that may wait for the store before whoever logs must wait. */
  readonly bufferBytes: number;
  /** How long whoever logs waits at most. */
  readonly maxWaitMs: number;
}

/** Lines on their way to one object of the store. */
interface Segment {
  /** Undefined once stored. */
  records: LogRecord[] | undefined;
  bytes: number;
  key: string | undefined;
}

const RECORD_OVERHEAD_BYTES = 100;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** How often a store that fails is tried while somebody waits for the lines to be durable. */
const FLUSH_TRIES = 5;

/** Writes and follows the log of one job. */
export class JobLog {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #job: string;
  readonly #limits: JobLogLimits;
  /** Everything logged here, in order; the last one is being filled. */
  readonly #segments: Segment[] = [newSegment()];
  #unstoredBytes = 0;
  #lost = 0;
  /** Set when a segment could not be stored; cleared when one was. */
  #failure: unknown;
  #storing: Promise<void> | undefined;
  #timer: AbortController | undefined;
  #nextNumber: number | undefined;
  #isStoreSlow = false;
  #flushers = 0;
  #failedTries = 0;
  #pause: AbortController | undefined;
  readonly #changed = new Wake();

  constructor(job: string, options: { store: ObjectStore; clock: Clock; limits: JobLogLimits }) {
    this.#job = job;
    this.#store = options.store;
    this.#clock = options.clock;
    this.#limits = options.limits;
  }

  /** Whether every line is stored. */
  get isStored(): boolean {
    return this.#unstoredBytes === 0;
  }

  /** Adds a line. When the store is behind, whoever logs must await {@link room} before it goes on. */
  add(record: LogRecord): void {
    if (this.#isStoreSlow) {
      this.#lost += 1;
      return;
    }
    const open = this.#open();
    open.records?.push(record);
    const bytes = record.message.length + RECORD_OVERHEAD_BYTES;
    open.bytes += bytes;
    this.#unstoredBytes += bytes;
    if (open.bytes >= this.#limits.segmentBytes) {
      this.#seal();
    } else {
      this.#startTimer();
    }
    this.#changed.notify();
  }

  /** Undefined while the buffer has room, else a promise that waits for it, but not for long. */
  room(): Promise<void> | undefined {
    return this.#unstoredBytes <= this.#limits.bufferBytes || this.#isStoreSlow
      ? undefined
      : this.#waitForRoom();
  }

  /** Resolves when all lines so far are stored; rejects with `unavailable` where the store fails for too long. */
  async flush(): Promise<void> {
    this.#flushers += 1;
    this.#failedTries = 0;
    try {
      this.#seal();
      this.#pause?.abort();
      const sealed = this.#segments.slice(0, -1);
      while (sealed.some((segment) => segment.records)) {
        await this.#changed.next;
        if (this.#failedTries >= FLUSH_TRIES) {
          throw storeError(this.#failure, this.#job);
        }
      }
    } finally {
      this.#flushers -= 1;
    }
  }

  /**
   * Yields the lines of the log in order: of earlier runs, stored, and waiting; then what comes, until `signal` aborts
   * and all that was there by then is handed out. Without a signal it ends with what is there. `tail` keeps only the
   * last lines of what is there at first.
   */
  async *read(options: {
    accepts: (record: LogRecord) => boolean;
    tail?: number;
    signal?: AbortSignal;
  }): AsyncGenerator<LogRecord> {
    const { accepts, tail, signal } = options;
    const own = this.#segments.length - 1;
    let at = this.#open().records?.length ?? 0;
    const sources = await this.#sources(own, at);
    yield* tail === undefined ? readAll(sources, accepts) : readTail(sources, { accepts, tail });
    if (!signal) {
      return;
    }
    const wake = () => this.#changed.notify();
    signal.addEventListener('abort', wake, { once: true });
    try {
      for (let position = own; ; ) {
        const isOver = signal.aborted;
        const change = this.#changed.next;
        const isLast = position === this.#segments.length - 1;
        const records = await this.#recordsOf(position);
        for (; at < records.length; at++) {
          const record = records[at];
          if (record && accepts(record)) {
            yield record;
          }
        }
        if (!isLast) {
          position += 1;
          at = 0;
        } else if (isOver) {
          return;
        } else {
          await change;
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  /** Counts the lines that are there, from the end, until there are `most`. */
  async count(options: {
    readonly accepts: (record: LogRecord) => boolean;
    readonly most: number;
  }): Promise<number> {
    const sources = await this.#sources(
      this.#segments.length - 1,
      this.#open().records?.length ?? 0,
    );
    const { count } = await countLast(sources, options);
    return Math.min(count, options.most);
  }

  /** Returns ways to read all lines up to `count` of own segment `last`, in order. */
  async #sources(last: number, count: number): Promise<LogSource[]> {
    const listed: string[] = [];
    for await (const { key } of this.#store.list(logPrefix(this.#job))) {
      listed.push(key);
    }
    const own = new Map(this.#segments.map((segment, position) => [segment.key, position]));
    const sources: LogSource[] = [];
    for (const key of listed) {
      if ((own.get(key) ?? -1) < last) {
        sources.push(async () => decodeSegment(await this.#store.get(key), key));
      }
    }
    const isListed = new Set<string | undefined>(listed);
    for (let position = 0; position < last; position++) {
      if (!isListed.has(this.#segments[position]?.key)) {
        sources.push(() => this.#recordsOf(position));
      }
    }
    sources.push(async () => (await this.#recordsOf(last)).slice(0, count));
    return sources;
  }

  async #recordsOf(position: number): Promise<readonly LogRecord[]> {
    const segment = this.#segments[position];
    if (segment?.records) {
      return segment.records;
    }
    return segment?.key === undefined
      ? []
      : decodeSegment(await this.#store.get(segment.key), segment.key);
  }

  #open(): Segment {
    const last = this.#segments.at(-1);
    if (last) {
      return last;
    }
    const segment = newSegment();
    this.#segments.push(segment);
    return segment;
  }

  #startTimer(): void {
    if (this.#timer) {
      return;
    }
    const timer = new AbortController();
    this.#timer = timer;
    this.#clock.sleep(this.#limits.flushMs, { signal: timer.signal }).then(
      () => this.#seal(),
      () => undefined,
    );
  }

  /** Closes the segment being filled, and starts storing. */
  #seal(): void {
    this.#timer?.abort();
    this.#timer = undefined;
    if (this.#open().bytes > 0) {
      this.#segments.push(newSegment());
    }
    this.#startStoring();
  }

  #startStoring(): void {
    const sealed = this.#segments.slice(0, -1).some((segment) => segment.records);
    if (!sealed || this.#storing) {
      return;
    }
    this.#storing = this.#storeAll().then((isDone) => {
      this.#storing = undefined;
      if (isDone) {
        // More may have been sealed after it had looked.
        this.#startStoring();
      }
      this.#changed.notify();
    });
  }

  /** Stores sealed segments, in order, until none is left. Never rejects; false where it gave up for now. */
  async #storeAll(): Promise<boolean> {
    for (;;) {
      const segment = this.#segments.slice(0, -1).find(({ records }) => records);
      if (!segment) {
        return true;
      }
      try {
        await this.#storeOne(segment);
        this.#failedTries = 0;
      } catch (error) {
        this.#failure = error;
        this.#failedTries += 1;
        this.#changed.notify();
        if (this.#flushers > 0 && this.#failedTries >= FLUSH_TRIES) {
          return false;
        }
        await this.#rest(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failedTries - 1)));
      }
    }
  }

  /** Waits before the store is tried again, unless somebody is in a hurry. */
  async #rest(ms: number): Promise<void> {
    const pause = new AbortController();
    this.#pause = pause;
    await this.#clock.sleep(ms, { signal: pause.signal }).catch(() => undefined);
    this.#pause = undefined;
  }

  async #storeOne(segment: Segment): Promise<void> {
    const bytes = await encodeSegment(segment.records ?? []);
    this.#nextNumber ??= await this.#firstFreeNumber();
    for (;;) {
      const key = logSegmentKey(this.#job, this.#nextNumber);
      try {
        await this.#store.put(key, bytes, { ifAbsent: true });
      } catch (error) {
        if (!isEngineError(error, 'already_exists')) {
          throw error;
        }
        // An engine that had this job before was still writing.
        this.#nextNumber += 1;
        continue;
      }
      this.#nextNumber += 1;
      segment.key = key;
      segment.records = undefined;
      this.#unstoredBytes -= segment.bytes;
      this.#regainRoom();
      this.#changed.notify();
      return;
    }
  }

  async #firstFreeNumber(): Promise<number> {
    const prefix = logPrefix(this.#job);
    let last = -1;
    for await (const { key } of this.#store.list(prefix)) {
      last = Math.max(last, Number(key.slice(prefix.length)));
    }
    return last + 1;
  }

  #regainRoom(): void {
    if (!this.#isStoreSlow || this.#unstoredBytes > this.#limits.bufferBytes / 2) {
      return;
    }
    this.#isStoreSlow = false;
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) {
      const why = this.#failure === undefined ? 'it was slow' : errorText(this.#failure);
      this.add({
        time: this.#clock.now(),
        pipeline: '',
        datum: '',
        message: `pfs: ${lost} lines are missing here: the store did not take them in time (${why})`,
      });
    }
  }

  async #waitForRoom(): Promise<void> {
    this.#seal();
    const limit = new AbortController();
    let isOver = false;
    const timeout = this.#clock.sleep(this.#limits.maxWaitMs, { signal: limit.signal }).then(
      () => {
        isOver = true;
        this.#changed.notify();
      },
      () => undefined,
    );
    while (this.#unstoredBytes > this.#limits.bufferBytes && !this.#isStoreSlow) {
      if (isOver) {
        this.#isStoreSlow = true;
        break;
      }
      await this.#changed.next;
    }
    limit.abort();
    await timeout;
  }
}

function newSegment(): Segment {
  return { records: [], bytes: 0, key: undefined };
}

function storeError(cause: unknown, job: string): EngineError {
  return new EngineError(
    'unavailable',
    `Cannot store the log of job "${job}": ${errorText(cause)}; the lines stay in memory and are tried again`,
    { cause },
  );
}
