// The images of pipeline versions: what the name meant when a version first ran is what every job of it runs.

import { EngineError, isEngineError } from '../base/errors.ts';
import {
  type Executor,
  HOST_DIGEST,
  type ResolvedImage,
  type ResolveOptions,
} from '../executor/executor.ts';
import type { ImageRecord, PipelineRecord } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { pullLogins } from './worker-secrets.ts';

/** The image of a pipeline version: what provenance records, and what is run. */
export interface PinnedImage {
  readonly record: ImageRecord;
  readonly resolved: ResolvedImage;
}

export interface ImageOptions {
  readonly signal: AbortSignal;
  /** Gets what there is to say while an image is pulled. */
  readonly onProgress?: (line: string) => void;
}

export interface PinnedImagesOptions {
  readonly context: PfsContext;
  readonly executor: Executor;
  /** Those that a spec names for pulling are tried at registries. */
  readonly secrets: Secrets;
}

type PinnedPipeline = Pick<PipelineRecord, 'key' | 'version' | 'image'>;

/** Finds and pins images. */
export class PinnedImages {
  readonly #options: PinnedImagesOptions;

  constructor(options: PinnedImagesOptions) {
    this.#options = options;
  }

  /**
   * Returns the image that a version was pinned to; the first time, pins it to what its name means now. Rejects with
   * `not_found` or `unavailable` while it can't be had.
   */
  async pin(
    pipeline: PinnedPipeline,
    spec: Pick<PipelineSpec, 'transform'>,
    options: ImageOptions,
  ): Promise<PinnedImage> {
    const { key, version, image: pinned } = pipeline;
    const found = await this.find(pipeline, spec, options);
    // Where no image is used, none is pinned: with Docker, later, it is to be what its name means then.
    if (!pinned && this.#options.executor.kind === 'docker') {
      const { record: image } = found;
      await this.#options.context.journal.transact(
        () => ({
          operations: [{ kind: 'pipeline.pinned' as const, pipeline: key, version, image }],
          result: null,
        }),
        { actor: 'engine' },
      );
    }
    return found;
  }

  /** As {@link pin}, but pins nothing. */
  async find(
    pipeline: PinnedPipeline,
    spec: Pick<PipelineSpec, 'transform'>,
    options: ImageOptions,
  ): Promise<PinnedImage> {
    const { executor, secrets } = this.#options;
    const { image: reference } = spec.transform;
    const { image } = pipeline;
    const isUsed = executor.kind === 'docker' && image?.digest !== HOST_DIGEST;
    const pinned = isUsed ? image : null;
    const logins = pullLogins(secrets, spec);
    if (pinned) {
      const resolved = await this.#findPinned(pipeline, pinned, { ...options, logins });
      return { record: pinned, resolved: { ...resolved, reference } };
    }
    const resolved = await executor.resolveImage(reference, { ...options, logins });
    return { record: { reference, digest: resolved.digest, id: resolved.id }, resolved };
  }

  async #findPinned(
    pipeline: PinnedPipeline,
    pinned: ImageRecord,
    options: ResolveOptions,
  ): Promise<ResolvedImage> {
    const { executor } = this.#options;
    const { reference, digest, id } = pinned;
    const name = reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
    const names = [...(id ? [id] : []), ...(digest === id ? [] : [`${name}@${digest}`])];
    for (const one of names) {
      try {
        return await executor.resolveImage(one, options);
      } catch (error) {
        if (!isEngineError(error, 'not_found')) {
          throw error;
        }
      }
    }
    throw new EngineError(
      'not_found',
      `Cannot run pipeline "${shortRepo(pipeline.key)}": image "${reference}" as it was for version ${pipeline.version} (${digest.slice(0, 19)}) is gone; bring it back, or use pfs update-pipeline to run what the name means now`,
    );
  }
}
