// The warm workers of pipelines: made when a job needs them, kept for the next, gone when idle or outdated.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { EngineError, systemCode } from '../base/errors.ts';
import type { DirectoryMount, Executor } from '../executor/executor.ts';
import type { ImageRecord, PipelineKey, PipelineRecord } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import type { Datum } from '../pipeline/datum-identity.ts';
import { type Room, workerNeed } from '../pipeline/resources.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { Admission } from './admission.ts';
import { Crew } from './crew.ts';
import { CrewMember } from './crew-member.ts';
import type { BucketDoor } from './datum-buckets.ts';
import { DatumRunner, type DatumRunnerOptions } from './datum-runner.ts';
import { mountEntries } from './datum-tasks.ts';
import type { FileCache } from './file-cache.ts';
import { prefetchInputs } from './input-prefetch.ts';
import { type ImageOptions, type PinnedImage, PinnedImages } from './pinned-images.ts';
import { committedContents } from './session-writer.ts';
import { removeWorkerDirectory } from './worker-directory.ts';
import { secretSource } from './worker-secrets.ts';
import { workerSpec } from './worker-spec.ts';

interface RunnerSpec {
  readonly spec: PipelineSpec;
  readonly image: PinnedImage;
  readonly name: string;
  readonly mounts?: readonly DirectoryMount[];
}

/** A command that takes datums is ended when its worker gives way, and may have been long in starting. */
const BATCH_TURN_MS = 30_000;

export interface WorkerPoolOptions {
  readonly context: PfsContext;
  readonly executor: Executor;
  readonly cache: FileCache;
  /** Decides which workers may work. */
  readonly admission: Admission;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly buckets?: BucketDoor;
  /** Directory for the workers' own directories, on the same disk as the cache. */
  readonly scratch: string;
  /** What must stay free on that disk while user code writes to it. */
  readonly minFreeBytes: number;
  /** How long workers are kept without work. */
  readonly idleMs: number;
  readonly onProblem: (error: unknown) => void;
}

/** The crews of all pipelines. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #crews = new Map<PipelineKey, Crew>();
  readonly #closing = new Map<PipelineKey, Promise<void>>();
  readonly #images: PinnedImages;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#images = new PinnedImages(options);
    options.context.journal.subscribe(() => this.#prune());
  }

  /** Returns the workers of a pipeline. Rejects with `not_found` or `unavailable` while its image can't be had. */
  async crew(pipeline: PipelineRecord, spec: PipelineSpec, options: ImageOptions): Promise<Crew> {
    await this.#closing.get(pipeline.key);
    const known = this.#crews.get(pipeline.key);
    if (known?.fits(pipeline)) {
      return known;
    }
    const image = await this.#images.pin(pipeline, spec, options);
    const crew = this.#hire(pipeline, { spec, image });
    if (!crew.fits(this.#options.context.journal.state.pipelines.get(pipeline.key))) {
      throw new EngineError(
        'cancelled',
        `Cannot run pipeline "${shortRepo(pipeline.key)}": it was stopped or changed`,
      );
    }
    this.#crews.set(pipeline.key, crew);
    return crew;
  }

  /** Fetches what a datum reads before a worker is free for it. */
  async prefetch(datum: Datum, signal: AbortSignal): Promise<void> {
    const { cache, context } = this.#options;
    const contents = committedContents(context);
    await prefetchInputs(cache, { entries: mountEntries(datum), contents, signal });
  }

  /** Removes the directories of workers that an engine left when it was killed. Call it before anything runs. */
  async sweep(): Promise<void> {
    const { scratch, executor, onProblem } = this.#options;
    const names = await readdir(scratch).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') {
        return [];
      }
      throw error;
    });
    for (const name of names) {
      // What can't be removed, because Docker is away, is removed by the next start, or by the worker that gets it.
      await removeWorkerDirectory(join(scratch, name), executor).catch(onProblem);
    }
  }

  /**
   * Returns what a runner of no crew needs, with the image of a version of a pipeline, or what the spec's image means now
   * where `image` is null. `directory` is a name, unique and below the workers' own.
   */
  async single(
    pipeline: Pick<PipelineRecord, 'key' | 'version'>,
    options: Omit<RunnerSpec, 'image'> & {
      readonly image: ImageRecord | null;
      readonly directory: string;
    },
    imageOptions: ImageOptions,
  ): Promise<{ readonly options: DatumRunnerOptions; readonly image: PinnedImage }> {
    const image = await this.#images.find(
      { ...pipeline, image: options.image },
      options.spec,
      imageOptions,
    );
    const directory = join(this.#options.scratch, options.directory);
    return { image, options: this.#runnerOptions(pipeline, { ...options, image, directory }) };
  }

  /** Returns the workers of a pipeline and what each does; none where there are none now. */
  workers(pipeline: PipelineKey): readonly CrewMember[] {
    return this.#crews.get(pipeline)?.members ?? [];
  }

  /**
   * Returns why none of a pipeline's workers is at work although they should be: they wait for room on the machine. Empty
   * where that is not so.
   */
  waitsFor(pipeline: PipelineKey): string {
    const members = this.workers(pipeline);
    const waiting = members.find(({ place }) => place !== undefined);
    return members.some(({ activity }) => activity) ? '' : (waiting?.place?.reason ?? '');
  }

  /** Says that a job of the pipeline is done for now: its workers are stopped unless another comes soon. */
  rest(pipeline: PipelineKey): void {
    const { clock, idleMs, onProblem } = this.#options;
    this.#crews.get(pipeline)?.stopWhenIdle(clock, idleMs).catch(onProblem);
  }

  /** Resolves when nothing is left of a pipeline's workers. */
  async release(pipeline: PipelineKey): Promise<void> {
    this.#dismiss(pipeline);
    await this.#closing.get(pipeline);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#crews.keys()].map((key) => this.release(key)));
    await Promise.all(this.#closing.values());
  }

  /** Dismisses crews of pipelines that were changed, stopped or deleted. */
  #prune(): void {
    const { pipelines } = this.#options.context.journal.state;
    for (const [key, crew] of this.#crews) {
      if (!crew.fits(pipelines.get(key))) {
        this.#dismiss(key);
      }
    }
  }

  #dismiss(key: PipelineKey): void {
    const crew = this.#crews.get(key);
    if (crew === undefined) {
      return;
    }
    this.#crews.delete(key);
    const closing = crew
      .close()
      .catch(this.#options.onProblem)
      .finally(() => {
        if (this.#closing.get(key) === closing) {
          this.#closing.delete(key);
        }
      });
    this.#closing.set(key, closing);
  }

  #hire(
    pipeline: PipelineRecord,
    options: { readonly spec: PipelineSpec; readonly image: PinnedImage },
  ): Crew {
    const { clock, scratch, admission } = this.#options;
    const { spec, image } = options;
    const { name } = spec.pipeline;
    const demand = {
      pipeline: pipeline.key,
      need: (capacity: Room) => workerNeed(spec, capacity),
      ...(spec.transform.datum_batching ? { turnMs: BATCH_TURN_MS } : {}),
    };
    const members = Array.from({ length: spec.parallelism_spec.constant }, (_, n) => {
      const workerName = `${name}-v${pipeline.version}-${n}`;
      const directory = join(scratch, `${pipeline.id}-${pipeline.version}-${n}`);
      const runner = new DatumRunner(
        this.#runnerOptions(pipeline, { spec, image, name: workerName, directory }),
      );
      return new CrewMember(workerName, { runner, clock, admission, demand });
    });
    return new Crew(image, { members, pipeline });
  }

  #runnerOptions(
    pipeline: Pick<PipelineRecord, 'key' | 'version'>,
    options: RunnerSpec & { readonly directory: string },
  ): DatumRunnerOptions {
    const { executor, cache, clock, minFreeBytes, buckets } = this.#options;
    const { directory, spec, mounts = [] } = options;
    const secrets = secretSource(this.#options.secrets, spec);
    const worker = { ...workerSpec(pipeline, options), mounts };
    return { executor, cache, clock, minFreeBytes, secrets, directory, worker, buckets };
  }
}
