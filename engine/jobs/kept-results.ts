// What an update of a pipeline leaves as it was made before, for its user to know.

import type { PipelineRecord } from '../journal/records.ts';
import type { PfsContext } from '../pfs/context.ts';
import { shortRepo } from '../pfs/names.ts';
import { listJobs } from './job-lookup.ts';
import { readSpecCommit } from './spec-repo.ts';

/**
 * Returns a sentence about the datums whose results an update with other code keeps, or undefined where it keeps none:
 * where the code is the same, or all are made anew. `pipeline` is as the update left it.
 */
export async function keptWarning(
  context: PfsContext,
  pipeline: PipelineRecord,
): Promise<string | undefined> {
  const { key, version, salt } = pipeline;
  // Part of a transaction that is yet to be finished, or changed again meanwhile.
  if (context.journal.state.pipelines.get(key)?.version !== version) {
    return undefined;
  }
  for await (const job of listJobs(context, key)) {
    if (job.version < version && job.state === 'success') {
      const { spec } = await readSpecCommit(context, key, job.specCommit);
      const isSame = JSON.stringify(spec.transform) === JSON.stringify(pipeline.spec.transform);
      const { total } = job.datums;
      return job.salt !== salt || isSame || total === 0
        ? undefined
        : `${shortRepo(key)}: results of earlier versions are kept for ${total === 1 ? 'the datum' : `up to ${total} datums`} that did not change; pfs update-pipeline --reprocess makes them anew`;
    }
  }
  return undefined;
}
