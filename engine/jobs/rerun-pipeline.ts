// Another job of a pipeline on the heads as they are: for what has failed, or, with a new salt, for all of it.

import { EngineError } from '../base/errors.ts';
import type { PipelineKey, PipelineRecord } from '../journal/records.ts';
import type { Change } from '../pfs/change.ts';
import { shortRepo } from '../pfs/names.ts';
import { resolvePipeline } from './job-lookup.ts';
import { refreshOutputs } from './pipeline-outputs.ts';

/**
 * Starts a job on the current heads, after those that are not done yet. What has succeeded is skipped, unless `reprocess`
 * is set. The version stays. Rejects with `failed_precondition` where the pipeline is stopped.
 */
export function rerunPipelineIn(
  change: Change,
  options: { readonly pipeline: PipelineKey; readonly reprocess: boolean },
): PipelineRecord {
  const pipeline = resolvePipeline(change.context, options.pipeline);
  const { key, stopped, salt, spec } = pipeline;
  if (spec.spout) {
    throw new EngineError(
      'failed_precondition',
      `Cannot rerun pipeline "${shortRepo(key)}": a spout has no jobs; pfs stop-pipeline and start-pipeline start its command again`,
    );
  }
  if (stopped) {
    throw new EngineError(
      'failed_precondition',
      `Cannot rerun pipeline "${shortRepo(key)}": it is stopped; pfs start-pipeline starts it, with a job on the current heads`,
    );
  }
  const rerun = { ...pipeline, salt: options.reprocess ? change.context.ids.next() : salt };
  change.add({ kind: 'pipeline.put', pipeline: rerun });
  refreshOutputs(change, rerun);
  return rerun;
}
