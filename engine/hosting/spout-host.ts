// One spout: a container that runs for ever, whose batches become commits one after the other. A batch is committed once,
// whoever dies when; what is no whole batch when the container ends never becomes one.

import { join } from 'node:path';
import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import type { PortAddress } from '../executor/executor.ts';
import type { Place } from '../jobs/admission.ts';
import { PinnedImages } from '../jobs/pinned-images.ts';
import { pullLog } from '../jobs/pull-log.ts';
import { committedContents } from '../jobs/session-writer.ts';
import { Wake } from '../jobs/wake.ts';
import { ShownSecrets, secretSource } from '../jobs/worker-secrets.ts';
import { workerSpec } from '../jobs/worker-spec.ts';
import type { PipelineRecord } from '../journal/records.ts';
import { pipelineEnvironment } from '../pipeline/environment.ts';
import { hostedNeed } from '../pipeline/resources.ts';
import { type PipelineSpec, type Service, stdinText } from '../pipeline/spec.ts';
import { BackOff } from './back-off.ts';
import { readMarker } from './batch-commit.ts';
import { BatchTaker } from './batch-taker.ts';
import { Doorway } from './doorway.ts';
import type { Host, HostedWorker, HostParts } from './host.ts';
import type { HostStatus } from './host-status.ts';
import { HostedRoom } from './hosted-room.ts';
import { readyInTime } from './readiness.ts';
import { Resident } from './resident.ts';
import { Upstream } from './upstream.ts';

/** How long the container has to end by itself, once it was told to. */
const GRACE_MS = 5000;
const MAX_LOG_BYTES = 100 * 1024 * 1024;

/** Hosts a spout. */
export class SpoutHost implements Host {
  readonly kind = 'spout';
  readonly #parts: HostParts;
  readonly #status: HostStatus;
  readonly #resident: Resident;
  readonly #taker: BatchTaker;
  readonly #door: Doorway;
  readonly #changed = new Wake();
  readonly #closing = new AbortController();
  /** What an earlier run left may be gone on with. */
  readonly #isHeir: boolean;
  #work: Promise<void> | undefined;
  #since: number | undefined;
  #name = '';

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
    this.#door = new Doorway(parts.clock);
  }

  get workers(): readonly HostedWorker[] {
    const since = this.#since;
    return since === undefined ? [] : [{ name: this.#name, job: null, datum: null, since }];
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
    const backOff = new BackOff();
    let isFirst = true;
    while (!signal.aborted) {
      let reason: string | undefined;
      const began = clock.monotonic();
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
      this.#since = undefined;
      this.#door.route(undefined);
      if (reason === undefined || signal.aborted) {
        continue;
      }
      const pause = backOff.pause(clock.monotonic() - began);
      await this.#failed(reason, pause).catch(onProblem);
      await clock.sleep(pause, { signal }).catch(() => undefined);
    }
  }

  /** Runs the container once; returns why it ended, or undefined where that was wanted. */
  async #once(): Promise<string | undefined> {
    const parts = this.#parts;
    const pipeline = this.#status.pipeline;
    if (!pipeline) {
      throw new EngineError('conflict', 'Cannot run the spout: it is not hosted here');
    }
    const { context, logs } = parts;
    const spec = pipeline.spec as unknown as PipelineSpec;
    const service = spec.spout?.service;
    if (service && !this.#door.fits(service)) {
      await this.#door.open(service, pipeline.host?.address?.port);
    }
    if (!service && this.#door.isOpen) {
      await this.#door.close(Promise.resolve());
    }
    const job = { id: pipeline.specCommit, pipeline: pipeline.key };
    const onProgress = pullLog(logs.open(job, ''), {
      image: spec.transform.image,
      clock: parts.clock,
    });
    const { signal: closing } = this.#closing;
    const image = await new PinnedImages(parts).pin(pipeline, spec, {
      signal: closing,
      onProgress,
    });
    this.#name = `${spec.pipeline.name}-v${pipeline.version}`;
    const end = new AbortController();
    const signal = AbortSignal.any([closing, end.signal]);
    const log = logs.open(job, '', { maxBytes: MAX_LOG_BYTES });
    const about = { pipeline, image: image.record };
    const secrets = new ShownSecrets(secretSource(parts.secrets, spec));
    let failure: string | undefined;
    const stop = (why?: unknown) => {
      if (!signal.aborted) {
        failure = why === undefined ? undefined : errorText(why);
        end.abort();
      }
    };
    const settle = async () =>
      await this.#taker.settle(about, (line) => log.write(Buffer.from(line)));
    this.#resident.make();
    await settle();
    let beside: Promise<unknown> = Promise.resolve();
    try {
      return await this.#resident.run({
        task: await this.#task(pipeline, spec),
        worker: workerSpec(pipeline, { spec, image, name: this.#name }),
        secrets,
        room: {
          need: (capacity) => hostedNeed(spec, capacity),
          onWait: (place) => void (place && this.#waits(place).catch(parts.onProblem)),
        },
        ...(service ? { port: service.internal_port } : {}),
        signal,
        graceMs: () => (failure === undefined ? GRACE_MS : 0),
        onLog: (chunk) => log.write(chunk),
        onStarted: (addresses) => {
          beside = Promise.all([
            this.#started(addresses, { service, pipeline, signal }).catch(stop),
            this.#taker.takeWhile(about, signal).catch(stop),
            this.#watch({ pipeline, secrets, signal }).then(() => stop()),
          ]);
        },
      });
    } catch (error) {
      if (end.signal.aborted && isEngineError(error, 'cancelled')) {
        return failure;
      }
      throw error;
    } finally {
      end.abort();
      await beside;
      await log.end();
      await logs.flush(job);
      if (context.journal.state.pipelines.get(pipeline.key)?.id === pipeline.id) {
        await settle();
      }
    }
  }

  async #task(pipeline: PipelineRecord, spec: PipelineSpec) {
    const { context } = this.#parts;
    const { transform, spout } = spec;
    const marker = spout?.marker ? await readMarker(context, pipeline.key) : undefined;
    const stdin = stdinText(transform.stdin);
    return {
      entries: marker && spout?.marker ? [{ input: spout.marker, path: '/', ...marker }] : [],
      environment: pipelineEnvironment({
        spec,
        version: pipeline.version,
        specCommit: pipeline.specCommit,
        worker: this.#name,
      }),
      command: transform.cmd,
      ...(stdin === undefined ? {} : { stdin }),
      ...(transform.working_dir === undefined ? {} : { workingDirectory: transform.working_dir }),
      contents: committedContents(context),
    };
  }

  /** Notes that the container runs, and leads traffic to it once it takes any. */
  async #started(
    addresses: readonly PortAddress[],
    about: {
      readonly service: Service | undefined;
      readonly pipeline: PipelineRecord;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const { clock } = this.#parts;
    const { service, pipeline, signal } = about;
    if (this.#resident.worker?.sharesInputs === false) {
      throw new EngineError(
        'failed_precondition',
        'a spout needs directories of this machine in its container, and Docker shows it copies; run the engine where Docker is',
      );
    }
    this.#since = clock.now();
    if (service) {
      this.#door.route(new Upstream(await readyInTime(addresses, service, { clock, signal })));
    }
    const now = { address: this.#door.address, version: pipeline.version, since: clock.now() };
    await this.#status.update({ ...now, serving: null }, { state: 'running', reason: '' });
  }

  /** Resolves when what it runs is not what it should run any more: another version, or with other secrets. */
  async #watch(running: {
    readonly pipeline: PipelineRecord;
    readonly secrets: ShownSecrets;
    readonly signal: AbortSignal;
  }): Promise<void> {
    const { pipeline, secrets, signal } = running;
    const isCurrent = () =>
      this.#status.pipeline?.version === pipeline.version && !secrets.areOutdated;
    const over = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!signal.aborted && isCurrent()) {
      const { next } = this.#changed;
      if (isCurrent()) {
        await Promise.race([next, over]);
      }
    }
  }

  async #waits({ reason }: Place): Promise<void> {
    if (this.#status.pipeline) {
      await this.#status.update({}, { state: 'starting', reason });
    }
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
