// The warm workers of pipelines: made when a job needs them, kept for the next, gone when idle or outdated.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { EngineError, isEngineError, systemCode } from '../base/errors.ts';
import type { Executor } from '../executor/executor.ts';
import type { PipelineKey, PipelineRecord } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { CrewMember } from './crew-member.ts';
import { DatumRunner } from './datum-runner.ts';
import type { FileCache } from './file-cache.ts';
import { type ImageOptions, type PinnedImage, PinnedImages } from './pinned-images.ts';
import { removeWorkerDirectory } from './worker-directory.ts';
import { secretSource } from './worker-secrets.ts';
import { workerSpec } from './worker-spec.ts';

export interface WorkerPoolOptions {
  readonly context: PfsContext;
  readonly executor: Executor;
  readonly cache: FileCache;
  readonly clock: Clock;
  readonly secrets: Secrets;
  /** Directory for the workers' own directories, on the same disk as the cache. */
  readonly scratch: string;
  /** What must stay free on that disk while user code writes to it. */
  readonly minFreeBytes: number;
  /** How long workers are kept without work. */
  readonly idleMs: number;
  readonly onProblem: (error: unknown) => void;
}

/** The workers of one pipeline version. */
export class Crew {
  readonly image: PinnedImage;
  readonly members: readonly CrewMember[];
  readonly #pipeline: Pick<PipelineRecord, 'id' | 'version'>;
  #users = 0;
  #idle: AbortController | undefined;

  constructor(
    image: PinnedImage,
    options: {
      readonly members: readonly CrewMember[];
      readonly pipeline: Pick<PipelineRecord, 'id' | 'version'>;
    },
  ) {
    this.image = image;
    this.members = options.members;
    this.#pipeline = options.pipeline;
  }

  /** Returns whether these are the workers that a pipeline, as it is now, may have. */
  fits(pipeline: PipelineRecord | undefined): boolean {
    const { id, version } = this.#pipeline;
    return (
      pipeline !== undefined &&
      !pipeline.stopped &&
      pipeline.id === id &&
      pipeline.version === version
    );
  }

  /** Runs `loop` on every worker, side by side; resolves when all are done, rejects with the first failure. */
  async work(loop: (member: CrewMember) => Promise<void>): Promise<void> {
    this.#users += 1;
    this.#idle?.abort();
    this.#idle = undefined;
    try {
      const results = await Promise.allSettled(this.members.map(loop));
      for (const result of results) {
        if (result.status === 'rejected' && !isEngineError(result.reason, 'cancelled')) {
          throw result.reason;
        }
      }
      const cut = results.find((result) => result.status === 'rejected');
      if (cut?.status === 'rejected') {
        throw cut.reason;
      }
    } finally {
      this.#users -= 1;
    }
  }

  /** Stops the workers once nobody has used them for `ms`. */
  async stopWhenIdle(clock: Clock, ms: number): Promise<void> {
    if (this.#users > 0) {
      return;
    }
    const idle = new AbortController();
    this.#idle?.abort();
    this.#idle = idle;
    try {
      await clock.sleep(ms, { signal: idle.signal });
    } catch {
      return;
    }
    await Promise.all(this.members.map(({ runner }) => runner.stop()));
  }

  async close(): Promise<void> {
    this.#idle?.abort();
    await Promise.all(this.members.map(({ runner }) => runner.close()));
  }
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

  /** Returns the workers of a pipeline and what each does; none where there are none now. */
  workers(pipeline: PipelineKey): readonly CrewMember[] {
    return this.#crews.get(pipeline)?.members ?? [];
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
    const { executor, cache, clock, scratch, minFreeBytes, secrets } = this.#options;
    const { spec, image } = options;
    const { name } = spec.pipeline;
    const members = Array.from({ length: spec.parallelism_spec.constant }, (_, n) => {
      const workerName = `${name}-v${pipeline.version}-${n}`;
      const runner = new DatumRunner({
        executor,
        cache,
        clock,
        minFreeBytes,
        secrets: secretSource(secrets, spec),
        directory: join(scratch, `${pipeline.id}-${pipeline.version}-${n}`),
        worker: workerSpec(pipeline, { spec, image, name: workerName }),
      });
      return new CrewMember(workerName, { runner, clock });
    });
    return new Crew(image, { members, pipeline });
  }
}
