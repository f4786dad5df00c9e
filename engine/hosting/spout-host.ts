// One spout: a container that runs for ever, whose batches become commits one after the other. A batch is committed once,
// whoever dies when; what is no whole batch when the container ends never becomes one.

import { join } from 'node:path';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import { linkAbort } from '../base/linked-abort.ts';
import { makerProblem } from '../jobs/pipeline-maker.ts';
import { Wake } from '../jobs/wake.ts';
import type { PipelineRecord } from '../journal/records.ts';
import { BackOff } from './back-off.ts';
import { BatchTaker } from './batch-taker.ts';
import { Doorway } from './doorway.ts';
import type { Host, HostedWorker, HostParts } from './host.ts';
import type { HostStatus } from './host-status.ts';
import { HostedRoom } from './hosted-room.ts';
import { Resident } from './resident.ts';
import { SentBatches } from './sent-batches.ts';
import { SpoutRun } from './spout-run.ts';

/** Hosts a spout. */
export class SpoutHost implements Host {
  readonly kind = 'spout';
  readonly #parts: HostParts;
  readonly #status: HostStatus;
  readonly #resident: Resident;
  readonly #taker: BatchTaker;
  readonly #sent: SentBatches;
  readonly #door: Doorway;
  readonly #changed = new Wake();
  readonly #closing = new AbortController();
  /** What an earlier run left may be gone on with. */
  readonly #isHeir: boolean;
  #work: Promise<void> | undefined;
  #now: SpoutRun | undefined;

  constructor(
    parts: HostParts,
    options: { readonly status: HostStatus; readonly id: string; readonly isHeir: boolean },
  ) {
    this.#parts = parts;
    this.#status = options.status;
    this.#isHeir = options.isHeir;
    const directory = join(parts.scratch, 'spouts', options.id);
    const room = new HostedRoom(parts.admission, options.status.key);
    this.#resident = new Resident({ parts, directory, room, keepsOutput: true });
    this.#taker = new BatchTaker(parts, {
      directory: this.#resident.output.path,
      notes: join(directory, 'taken'),
    });
    this.#sent = new SentBatches(parts, { directory, taker: this.#taker });
    this.#door = new Doorway(parts.clock);
  }

  get workers(): readonly HostedWorker[] {
    const worker = this.#now?.worker;
    return worker ? [worker] : [];
  }

  start(): void {
    this.#work ??= this.#run();
  }

  refresh(): void {
    this.#changed.notify();
  }

  async close(): Promise<void> {
    const { onProblem, context } = this.#parts;
    this.#closing.abort();
    this.#changed.notify();
    await this.#work;
    await this.#door.close(Promise.resolve());
    if (context.journal.state.pipelines.get(this.#status.key)?.id === this.#status.id) {
      const nobody = { owner: null, since: null, version: null };
      await this.#status.update(nobody).catch((error: unknown) => {
        if (!isEngineError(error, 'conflict')) {
          onProblem(error);
        }
      });
    } else {
      await this.#resident.close().catch(onProblem);
    }
  }

  async #run(): Promise<void> {
    const { clock, onProblem } = this.#parts;
    const { signal } = this.#closing;
    let backOff = new BackOff();
    let isFirst = true;
    while (!signal.aborted) {
      let reason: string | undefined;
      const began = clock.monotonic();
      const version = this.#status.pipeline?.version;
      try {
        if (isFirst && !this.#isHeir) {
          // What lies here was left before another engine went on from an earlier marker.
          await this.#resident.close();
        }
        isFirst = false;
        reason = await this.#once();
      } catch (error) {
        if (!signal.aborted && !isEngineError(error, 'conflict')) {
          onProblem(error);
        }
        reason = errorText(error);
      }
      this.#now = undefined;
      this.#door.route(undefined);
      if (reason === undefined || signal.aborted) {
        continue;
      }
      const pause = backOff.pause(clock.monotonic() - began);
      await this.#failed(reason, pause).catch(onProblem);
      if (await this.#isReplaced(version, pause)) {
        backOff = new BackOff();
      }
    }
  }

  /** Waits for a while; returns whether another version came meanwhile, which ends that. */
  async #isReplaced(version: number | undefined, ms: number): Promise<boolean> {
    const isOther = () => this.#status.pipeline?.version !== version;
    const { controller: over, unlink } = linkAbort(this.#closing.signal);
    const pause = this.#parts.clock.sleep(ms, { signal: over.signal }).catch(() => undefined);
    await Promise.race([pause, this.#changed.until(isOther, over.signal)]);
    over.abort();
    unlink();
    return this.#status.pipeline !== undefined && isOther();
  }

  /** Runs a container of the newest version; returns why it ended, or undefined where that was wanted. */
  async #once(): Promise<string | undefined> {
    const parts = this.#parts;
    const pipeline = this.#status.pipeline;
    if (!pipeline) {
      throw new EngineError('conflict', 'Cannot run the spout: it is not hosted here');
    }
    const problem = makerProblem(parts.context.journal.state, pipeline);
    if (problem !== undefined) {
      await this.#refuse(pipeline, problem);
      return undefined;
    }
    this.#now = new SpoutRun({
      parts,
      status: this.#status,
      pipeline,
      resident: this.#resident,
      taker: this.#taker,
      sent: this.#sent,
      door: this.#door,
      changed: this.#changed,
      closing: this.#closing.signal,
    });
    return await this.#now.run();
  }

  /** Says why a version may not run, and waits until that, or the version, is another. */
  async #refuse(pipeline: PipelineRecord, reason: string): Promise<void> {
    const { state } = this.#parts.context.journal;
    const host = { address: this.#door.address, since: null, version: null };
    await this.#status.update(host, { state: 'failure', reason });
    const isOther = () => {
      const now = this.#status.pipeline;
      return now?.version !== pipeline.version || makerProblem(state, now) !== reason;
    };
    await this.#changed.until(isOther, this.#closing.signal);
  }

  /** Says that the container ended by itself, or could not be started. */
  async #failed(reason: string, pauseMs: number): Promise<void> {
    const { logs } = this.#parts;
    const pipeline = this.#status.pipeline;
    if (!pipeline) {
      return;
    }
    const log = logs.open({ id: pipeline.specCommit, pipeline: pipeline.key }, '');
    await log.write(Buffer.from(`pfs: ${reason}; it is started again in ${pauseMs / 1000} s\n`));
    await log.end();
    await this.#status.update(
      { address: this.#door.address, since: null },
      { state: 'crashing', reason },
    );
    await this.#status.restarted(reason);
  }
}
