// The surroundings of user code as the executor is told of them: image, user, limits, labels.

import type { WorkerSpec } from '../executor/executor.ts';
import type { PipelineRecord } from '../journal/records.ts';
import { splitRepoKey } from '../pfs/names.ts';
import { workerLimits } from '../pipeline/resources.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import type { PinnedImage } from './pinned-images.ts';

/** Returns what is asked of a worker of a pipeline, but for its directories. */
export function workerSpec(
  pipeline: Pick<PipelineRecord, 'key' | 'version'>,
  options: { readonly spec: PipelineSpec; readonly image: PinnedImage; readonly name: string },
): Omit<WorkerSpec, 'inputDirectory' | 'outputDirectory'> {
  const { spec, image, name } = options;
  const { user, memory_volume: memoryScratch, network } = spec.transform;
  const { project, name: pipelineName } = splitRepoKey(pipeline.key);
  return {
    image: image.resolved,
    name,
    labels: {
      ...spec.metadata?.annotations,
      ...spec.metadata?.labels,
      'pfs.project': project,
      'pfs.pipeline': pipelineName,
      'pfs.version': String(pipeline.version),
    },
    limits: workerLimits(spec),
    memoryScratch,
    hasNetwork: network !== 'none',
    ...(user === undefined ? {} : { user }),
  };
}
