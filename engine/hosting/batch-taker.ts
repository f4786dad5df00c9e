// Takes the batches of a spout as they come, and commits them one after the other.

import { EngineError, isEngineError } from '../base/errors.ts';
import { isAccessDenied } from '../jobs/host-directory.ts';
import type { ImageRecord, PipelineRecord } from '../journal/records.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import { BackOff } from './back-off.ts';
import { type BatchOutcome, commitBatch, isCommitted } from './batch-commit.ts';
import { type Batch, Batches, type BatchesOptions } from './batches.ts';
import type { HostParts } from './host.ts';

/** Whose batches are committed, and what made them. */
export interface BatchOf {
  readonly pipeline: PipelineRecord;
  readonly image: ImageRecord | null;
}

/** Takes the batches of one spout. */
export class BatchTaker {
  readonly #parts: HostParts;
  readonly #batches: Batches;

  constructor(parts: HostParts, places: Pick<BatchesOptions, 'directory' | 'notes'>) {
    this.#parts = parts;
    this.#batches = new Batches({ ...places, executor: parts.executor });
  }

  /** Makes the directories that it needs. Call it once the output directory is there. */
  make(): void {
    this.#batches.make();
  }

  /**
   * Commits batches as they come, until the signal aborts. Rejects with `invalid` as soon as one can never be committed, and with
   * `conflict` once another engine hosts the spout; where the store fails it tries again.
   */
  async takeWhile(about: BatchOf, signal: AbortSignal): Promise<void> {
    const { clock, onProblem } = this.#parts;
    const backOff = new BackOff();
    while (!signal.aborted) {
      await this.#batches.changed(clock, signal);
      try {
        await this.#takeAll(about);
      } catch (error) {
        if (isEngineError(error, 'invalid') || isEngineError(error, 'conflict')) {
          throw error;
        }
        onProblem(error);
        await clock.sleep(backOff.pauseOf(clock), { signal }).catch(() => undefined);
      }
    }
  }

  /**
   * While no container runs: commits what is complete, what an earlier run of this engine was given or took included; drops the
   * rest, and says what that was.
   */
  async settle(about: BatchOf, say: (line: string) => unknown): Promise<void> {
    await this.#takeAll(about);
    const dropped = await this.#batches.clear();
    if (dropped.length > 0) {
      const names = dropped.slice(0, 5).join(', ');
      await say(`pfs: dropped from /pfs/out what was no batch when the command ended: ${names}\n`);
    }
  }

  /** Commits what a directory holds, as {@link commitBatch} does. */
  async commit(
    batch: Batch,
    { pipeline, image }: BatchOf,
    options: { readonly request?: string | undefined } = {},
  ): Promise<BatchOutcome> {
    const { context, self } = this.#parts;
    const { spout, output_branch: outputBranch } = pipeline.spec as unknown as PipelineSpec;
    const marker = spout?.marker;
    const more = { ...options, pipeline, self, outputBranch, marker, image };
    return await commitBatch(context, { batch, ...more });
  }

  async #takeAll(about: BatchOf): Promise<void> {
    const { context } = this.#parts;
    for (const batch of this.#batches.taken()) {
      if (!(await isCommitted(context, about.pipeline.key, batch.id))) {
        await this.#commitTaken(batch, about);
      }
      await this.#batches.remove(batch);
    }
    for (;;) {
      const batch = this.#batches.take(() => context.ids.next());
      if (!batch) {
        return;
      }
      await this.#commitTaken(batch, about);
      await this.#batches.remove(batch);
    }
  }

  async #commitTaken(batch: Batch, about: BatchOf): Promise<void> {
    try {
      await this.commit(batch, about).catch(async (error: unknown) => {
        if (!isAccessDenied(error)) {
          throw error;
        }
        await this.#batches.open(batch);
        await this.commit(batch, about);
      });
    } catch (error) {
      if (!isEngineError(error, 'invalid')) {
        throw error;
      }
      // It can never be committed: what made it is started again, and goes on after the batch before.
      await this.#batches.remove(batch);
      throw refused(error);
    }
  }
}

function refused(cause: EngineError): EngineError {
  return new EngineError('invalid', `a batch was refused: ${cause.message}`, { cause });
}
