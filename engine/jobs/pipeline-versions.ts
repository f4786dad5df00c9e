// The versions of a pipeline: the newest in its record, all of them in its spec repo.

import { EngineError } from '../base/errors.ts';
import { type PipelineKey, type PipelineRecord, specRepo } from '../journal/records.ts';
import { resolveCommit } from '../pfs/commit-lookup.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import { resolvePipeline } from './job-lookup.ts';
import { readSpecCommit } from './spec-repo.ts';

/** A pipeline as it is, or was at an earlier version. */
export interface PipelineVersion {
  /** Of an earlier version: without jobs and image. */
  readonly pipeline: PipelineRecord;
  /** The spec as its author wrote it. */
  readonly text: string;
  readonly isCurrent: boolean;
}

/**
 * Returns a version of a pipeline: a number, `^` or `^N` for so many before the newest, the newest where none is named.
 * Rejects with `not_found`.
 */
export async function pipelineVersion(
  context: PfsContext,
  key: PipelineKey,
  wanted?: string,
): Promise<PipelineVersion> {
  const newest = resolvePipeline(context, key);
  const version = wanted === undefined ? newest.version : versionNumber(newest, wanted);
  if (version === newest.version) {
    const { text } = await readSpecCommit(context, key, newest.specCommit);
    return { pipeline: newest, text, isCurrent: true };
  }
  const commit = await resolveCommit(context, specRepo(key), `master.${version}`);
  const { spec, text } = await readSpecCommit(context, key, commit.id);
  const pipeline: PipelineRecord = {
    ...newest,
    version,
    spec,
    specCommit: commit.id,
    updated: commit.started,
    jobs: {},
    lastJob: null,
    image: null,
  };
  return { pipeline, text, isCurrent: false };
}

/** Yields the newest version of a pipeline and up to `earlier` before it. */
export async function* pipelineVersions(
  context: PfsContext,
  newest: PipelineRecord,
  earlier: number,
): AsyncGenerator<PipelineVersion> {
  yield { pipeline: newest, text: '', isCurrent: true };
  const last = Math.max(1, newest.version - earlier);
  for (let version = newest.version - 1; version >= last; version--) {
    yield await pipelineVersion(context, newest.key, String(version));
  }
}

function versionNumber({ key, version: newest }: PipelineRecord, wanted: string): number {
  const [, back, number] = /^(?:\^(\d{0,9})|(\d{1,9}))$/.exec(wanted) ?? [];
  if (back === undefined && number === undefined) {
    throw new EngineError(
      'invalid',
      `Cannot read version "${wanted}": write a number, or ^ and how many before the newest`,
    );
  }
  const version = number === undefined ? newest - Number(back || 1) : Number(number);
  if (version < 1 || version > newest) {
    throw new EngineError(
      'not_found',
      `Cannot find version ${wanted} of pipeline "${shortRepo(key)}": it has versions 1 to ${newest}`,
    );
  }
  return version;
}
