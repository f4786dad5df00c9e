// The warm workers of one version of a pipeline, who work side by side on the datums of its jobs.

import { setMaxListeners } from 'node:events';
import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import type { PipelineRecord } from '../journal/records.ts';
import type { CrewMember } from './crew-member.ts';
import type { PinnedImage } from './pinned-images.ts';

/** What a crew is to do. */
export interface CrewWork<T> {
  /** Resolves without an item when there is none left; then, and when it was aborted, nobody asks again. */
  readonly next: () => Promise<T | undefined>;
  readonly each: (member: CrewMember, item: T, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
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

  /**
   * Hands what `next` gives to the workers, each as it is free and has room on the machine, until there is no more;
   * resolves when all of it is done. Rejects with the first failure, after the others were cut off; after an abort of the
   * signal it resolves or rejects with `cancelled`.
   */
  async work<T>(work: CrewWork<T>): Promise<void> {
    this.#users += 1;
    this.#idle?.abort();
    this.#idle = undefined;
    const [failure, drained] = [new AbortController(), new AbortController()];
    const signal = AbortSignal.any([work.signal, failure.signal]);
    const waiting = AbortSignal.any([signal, drained.signal]);
    setMaxListeners(0, waiting);
    const loop = async (member: CrewMember): Promise<void> => {
      try {
        while (!waiting.aborted) {
          await member.ready(waiting);
          const item = await work.next();
          if (item === undefined) {
            drained.abort();
          } else if (!signal.aborted) {
            await work.each(member, item, signal);
          }
        }
      } catch (error) {
        // Whoever still waits for room when there is nothing left to do needs none.
        if (signal.aborted || !drained.signal.aborted || !isEngineError(error, 'cancelled')) {
          failure.abort();
          throw error;
        }
      } finally {
        await member.rest();
      }
    };
    try {
      const results = await Promise.allSettled(this.members.map(loop));
      const failed = results.filter((result) => result.status === 'rejected');
      const first = failed.find(({ reason }) => !isEngineError(reason, 'cancelled')) ?? failed[0];
      if (first) {
        throw first.reason;
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
