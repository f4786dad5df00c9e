// The data of one commit, served by one container at a time: started, started again when it ends, until it is told to end.

import { join } from 'node:path';
import { parseDuration } from '../base/duration.ts';
import { errorText, isEngineError } from '../base/errors.ts';
import type { PortAddress } from '../executor/executor.ts';
import type { Place } from '../jobs/admission.ts';
import { taskMaker } from '../jobs/datum-tasks.ts';
import type { JobInputs } from '../jobs/job-inputs.ts';
import { type PinnedImage, PinnedImages } from '../jobs/pinned-images.ts';
import { makerProblem } from '../jobs/pipeline-maker.ts';
import { pullLog } from '../jobs/pull-log.ts';
import { LentSession } from '../jobs/session-writer.ts';
import { ShownSecrets, secretSource } from '../jobs/worker-secrets.ts';
import { workerSpec } from '../jobs/worker-spec.ts';
import type { ImageRecord, JobRecord } from '../journal/records.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import { hostedNeed } from '../pipeline/resources.ts';
import type { Service } from '../pipeline/spec.ts';
import { atMost } from './at-most.ts';
import { BackOff } from './back-off.ts';
import type { HostedWorker, HostParts } from './host.ts';
import type { HostedRoom } from './hosted-room.ts';
import { readyInTime } from './readiness.ts';
import { Resident } from './resident.ts';
import { Upstream } from './upstream.ts';

/** What is kept of what one container prints. */
const MAX_LOG_BYTES = 100 * 1024 * 1024;

export interface DeploymentOptions {
  readonly parts: HostParts;
  readonly job: JobRecord;
  readonly inputs: JobInputs;
  readonly datum: Datum;
  readonly service: Service;
  /** The image that the version was pinned to; null: pin it. */
  readonly image: ImageRecord | null;
  /** Of this deployment alone. */
  readonly directory: string;
  readonly room: HostedRoom;
  /** Called whenever it became ready, or is ready no more. */
  readonly onChange: () => void;
  /** Called when its container ended by itself after it had been ready. */
  readonly onRestart: (reason: string) => void;
}

/** Serves one commit. */
export class Deployment {
  readonly job: JobRecord;
  readonly #drainMs: number;
  readonly #options: DeploymentOptions;
  readonly #resident: Resident;
  readonly #name: string;
  readonly #began: number;
  readonly #closing = new AbortController();
  #graceMs = 0;
  #work: Promise<void> | undefined;
  #upstream: Upstream | undefined;
  #image: ImageRecord | undefined;
  #since = 0;
  #failure: string | undefined;
  #place: Place | undefined;
  #secrets = new ShownSecrets(undefined);

  constructor(options: DeploymentOptions) {
    this.#options = options;
    this.job = options.job;
    const { parts, job, directory, inputs, service, room } = options;
    this.#resident = new Resident({ parts, directory, room });
    this.#name = `${inputs.spec.pipeline.name}-v${job.version}-${job.id.slice(-6)}`;
    this.#began = parts.clock.now();
    this.#drainMs = parseDuration(service.drain_timeout) ?? 0;
  }

  /** Where it takes requests; undefined while it does not. */
  get upstream(): Upstream | undefined {
    return this.#upstream;
  }

  /** Since when it has taken requests without a break, in milliseconds since the Unix epoch. */
  get since(): number | null {
    return this.#upstream ? this.#since : null;
  }

  /** Why it takes no requests, once its container ended or could not be started; undefined while nothing is wrong. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** What it waits for before it can start; undefined while it waits for nothing. */
  get place(): Place | undefined {
    return this.#place;
  }

  /** Whether the secrets that it was given are others by now. */
  get hasOldSecrets(): boolean {
    return this.#upstream !== undefined && this.#secrets.areOutdated;
  }

  /** The image that it runs, once it has run. */
  get image(): ImageRecord | undefined {
    return this.#image;
  }

  /** What it serves. */
  get served(): Pick<DeploymentOptions, 'inputs' | 'datum'> {
    return this.#options;
  }

  get worker(): HostedWorker {
    const { job, datum } = this.#options;
    return { name: this.#name, job: job.id, datum: datum.id, since: this.#began };
  }

  start(): void {
    this.#work ??= this.#live();
  }

  /** Resolves when what is under way in it is done, has had its time, or the signal aborts. */
  async drained(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.parts;
    await atMost(this.#upstream?.drained() ?? Promise.resolve(), {
      ms: this.#drainMs,
      clock,
      signal,
    });
  }

  /** Ends the container, which has `graceMs` to do so by itself, and removes what it had on this machine. */
  async close(graceMs: number): Promise<void> {
    this.#graceMs = graceMs;
    this.#closing.abort();
    await this.#work;
    const { logs } = this.#options.parts;
    await Promise.all([this.#resident.close(), logs.flush(this.job)]);
  }

  async #live(): Promise<void> {
    const { clock } = this.#options.parts;
    const { signal } = this.#closing;
    const backOff = new BackOff();
    while (!signal.aborted) {
      this.#since = 0;
      const reason = await this.#once().catch((error: unknown) => errorText(error));
      if (signal.aborted) {
        return;
      }
      const readyMs = this.#since === 0 ? 0 : clock.now() - this.#since;
      const wasReady = this.#upstream !== undefined;
      const pause = backOff.pause(readyMs);
      this.#upstream = undefined;
      this.#failure = reason;
      await this.#say(`${reason}; it is started again in ${pause / 1000} s`);
      this.#options.onChange();
      if (wasReady) {
        this.#options.onRestart(reason);
      }
      await clock.sleep(pause, { signal }).catch(() => undefined);
    }
  }

  /** Runs the container once; returns why it ended. */
  async #once(): Promise<string> {
    const { parts, job, inputs, datum, service } = this.#options;
    const { context } = parts;
    const { state } = context.journal;
    const problem = () => {
      const pipeline = state.pipelines.get(job.pipeline);
      return pipeline && makerProblem(state, pipeline);
    };
    const known = problem();
    if (known !== undefined) {
      return known;
    }
    const image = await this.#pin();
    this.#image = image.record;
    const log = parts.logs.open(job, datum.id, { maxBytes: MAX_LOG_BYTES });
    const session = new LentSession(context);
    const late = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, late.signal]);
    const task = taskMaker(inputs, { job, context, session })(datum, this.#name);
    const secrets = new ShownSecrets(secretSource(parts.secrets, inputs.spec));
    this.#secrets = secrets;
    let tooLate = '';
    let readying: Promise<void> | undefined;
    try {
      return await this.#resident.run({
        task,
        worker: workerSpec(
          { key: job.pipeline, version: job.version },
          { spec: inputs.spec, image, name: this.#name },
        ),
        secrets,
        problem,
        room: {
          need: (capacity) => hostedNeed(inputs.spec, capacity),
          onWait: (place) => {
            this.#place = place;
            this.#options.onChange();
          },
        },
        port: service.internal_port,
        signal,
        // Whoever closes it says how long it has.
        graceMs: () => this.#graceMs,
        onLog: (chunk) => log.write(chunk),
        onStarted: (addresses) => {
          readying = this.#ready(addresses, signal).catch((error: unknown) => {
            tooLate = errorText(error);
            late.abort();
          });
        },
      });
    } catch (error) {
      if (tooLate !== '' && isEngineError(error, 'cancelled')) {
        return tooLate;
      }
      throw error;
    } finally {
      late.abort();
      await readying;
      await log.end();
    }
  }

  /** Waits until the command takes requests; rejects, with why, where it has not in time. */
  async #ready(addresses: readonly PortAddress[], signal: AbortSignal): Promise<void> {
    const { parts, service } = this.#options;
    const { clock } = parts;
    const address = await readyInTime(addresses, service, { clock, signal });
    this.#upstream = new Upstream(address);
    this.#since = clock.now();
    this.#failure = undefined;
    this.#options.onChange();
  }

  async #pin(): Promise<PinnedImage> {
    const { parts, job, inputs, image } = this.#options;
    const pipeline = { key: job.pipeline, version: job.version, image };
    const { transform } = inputs.spec;
    const onProgress = pullLog(parts.logs.open(job, ''), {
      image: transform.image,
      clock: parts.clock,
    });
    return await new PinnedImages(parts).pin(pipeline, inputs.spec, {
      signal: this.#closing.signal,
      onProgress,
    });
  }

  /** Adds a line of ours to the log. */
  async #say(line: string): Promise<void> {
    const log = this.#options.parts.logs.open(this.job, this.#options.datum.id);
    await log.write(Buffer.from(`pfs: ${line}\n`));
    await log.end();
  }
}

/** Returns a directory for a deployment that no other has. */
export function deploymentDirectory(
  parts: Pick<HostParts, 'scratch' | 'context'>,
  job: Pick<JobRecord, 'pipelineId'>,
): string {
  return join(parts.scratch, 'services', `${job.pipelineId}-${parts.context.ids.next()}`);
}
