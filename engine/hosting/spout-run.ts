// One container of a spout, from its image to its end: it runs one version with the secrets of the moment, and its batches
// are taken meanwhile. It ends once it is not what should run any more.

import { EngineError, errorText, isEngineError } from '../base/errors.ts';
import type { PortAddress } from '../executor/executor.ts';
import type { Place } from '../jobs/admission.ts';
import { PinnedImages } from '../jobs/pinned-images.ts';
import { makerProblem } from '../jobs/pipeline-maker.ts';
import { pullLog } from '../jobs/pull-log.ts';
import { committedContents } from '../jobs/session-writer.ts';
import type { Wake } from '../jobs/wake.ts';
import { ShownSecrets, secretSource } from '../jobs/worker-secrets.ts';
import { workerSpec } from '../jobs/worker-spec.ts';
import type { PipelineRecord } from '../journal/records.ts';
import { pipelineEnvironment } from '../pipeline/environment.ts';
import { hostedNeed } from '../pipeline/resources.ts';
import { type PipelineSpec, type Service, stdinText } from '../pipeline/spec.ts';
import { readMarker } from './batch-commit.ts';
import type { BatchTaker } from './batch-taker.ts';
import type { Doorway } from './doorway.ts';
import type { HostedWorker, HostParts } from './host.ts';
import type { HostStatus } from './host-status.ts';
import { readyInTime } from './readiness.ts';
import type { Resident } from './resident.ts';
import type { SentBatches } from './sent-batches.ts';
import { Upstream } from './upstream.ts';

/** How long the container has to end by itself, once it was told to. */
const GRACE_MS = 5000;
const MAX_LOG_BYTES = 100 * 1024 * 1024;

export interface SpoutRunOptions {
  readonly parts: HostParts;
  readonly status: HostStatus;
  /** The version that is run. */
  readonly pipeline: PipelineRecord;
  readonly resident: Resident;
  readonly taker: BatchTaker;
  readonly sent: SentBatches;
  readonly door: Doorway;
  /** Tells of changes of the state. */
  readonly changed: Wake;
  /** Ends the container. */
  readonly closing: AbortSignal;
}

/** One container of a spout. */
export class SpoutRun {
  readonly #options: SpoutRunOptions;
  readonly #pipeline: PipelineRecord;
  readonly #spec: PipelineSpec;
  readonly #name: string;
  #since: number | undefined;

  constructor(options: SpoutRunOptions) {
    this.#options = options;
    this.#pipeline = options.pipeline;
    this.#spec = options.pipeline.spec as unknown as PipelineSpec;
    this.#name = `${this.#spec.pipeline.name}-v${options.pipeline.version}`;
  }

  /** The container, once its command runs. */
  get worker(): HostedWorker | undefined {
    const since = this.#since;
    return since === undefined ? undefined : { name: this.#name, job: null, datum: null, since };
  }

  /** Runs it; returns why it ended, or undefined where that was wanted. Rejects where it could not be run. */
  async run(): Promise<string | undefined> {
    const { parts, status, door, resident, taker, sent, changed, closing } = this.#options;
    const { context, logs } = parts;
    const [pipeline, spec] = [this.#pipeline, this.#spec];
    const service = spec.spout?.service;
    if (service && !door.fits(service)) {
      await door.open(service, pipeline.host?.address?.port);
    }
    if (!service && door.isOpen) {
      await door.close(Promise.resolve());
    }
    const job = { id: pipeline.specCommit, pipeline: pipeline.key };
    const onProgress = pullLog(logs.open(job, ''), {
      image: spec.transform.image,
      clock: parts.clock,
    });
    const image = await new PinnedImages(parts).pin(pipeline, spec, {
      signal: closing,
      onProgress,
    });
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
    const settle = async () => await taker.settle(about, (line) => log.write(Buffer.from(line)));
    resident.make();
    taker.make();
    await settle();
    await sent.open(about);
    // From here on, since it may wait for room for long.
    const replaced = changed
      .until(() => status.pipeline?.version !== pipeline.version, signal)
      .then(() => stop());
    let beside: Promise<unknown> = Promise.resolve();
    try {
      return await resident.run({
        task: await this.#task(),
        worker: {
          ...workerSpec(pipeline, { spec, image, name: this.#name }),
          mounts: [sent.mount],
        },
        secrets,
        problem: () => makerProblem(context.journal.state, pipeline),
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
            this.#started(addresses, { service, signal }).catch(stop),
            taker.takeWhile(about, signal).catch(stop),
            changed.until(() => secrets.areOutdated, signal).then(() => stop()),
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
      await Promise.all([replaced, beside, sent.close()]);
      await log.end();
      await logs.flush(job);
      if (context.journal.state.pipelines.get(pipeline.key)?.id === pipeline.id) {
        await settle();
      }
    }
  }

  async #task() {
    const { parts, sent } = this.#options;
    const { context } = parts;
    const [pipeline, spec] = [this.#pipeline, this.#spec];
    const { transform, spout } = spec;
    const marker = spout?.marker ? await readMarker(context, pipeline.key) : undefined;
    const stdin = stdinText(transform.stdin);
    return {
      entries: marker && spout?.marker ? [{ input: spout.marker, path: '/', ...marker }] : [],
      environment: {
        ...pipelineEnvironment({
          spec,
          version: pipeline.version,
          specCommit: pipeline.specCommit,
          worker: this.#name,
        }),
        ...sent.environment,
      },
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
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const { door, resident, status, parts } = this.#options;
    const { clock } = parts;
    const { service, signal } = about;
    if (resident.worker?.sharesInputs === false) {
      throw new EngineError(
        'failed_precondition',
        'a spout needs directories of this machine in its container, and Docker shows it copies; run the engine where Docker is',
      );
    }
    this.#since = clock.now();
    if (service) {
      door.route(new Upstream(await readyInTime(addresses, service, { clock, signal })));
    }
    const now = { address: door.address, version: this.#pipeline.version, since: clock.now() };
    await status.update({ ...now, serving: null }, { state: 'running', reason: '' });
  }

  async #waits({ reason }: Place): Promise<void> {
    const { status } = this.#options;
    if (status.pipeline) {
      await status.update({}, { state: 'starting', reason });
    }
  }
}
