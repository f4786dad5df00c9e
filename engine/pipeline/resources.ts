// What a spec allows a worker to use, in numbers.

import { parseQuantity } from './quantity.ts';
import type { PipelineSpec } from './spec.ts';

/** Limits of one worker; undefined means no limit, and for `gpus` none. */
export interface WorkerLimits {
  /** CPUs, a fraction allowed. */
  readonly cpu?: number;
  readonly memoryBytes?: number;
  readonly gpus?: number;
}

/** Returns the limits of a worker. Requests limit nothing, but GPUs are given to whoever requests them. */
export function workerLimits(
  spec: Pick<PipelineSpec, 'resource_limits' | 'resource_requests'>,
): WorkerLimits {
  const { cpu, memory } = spec.resource_limits ?? {};
  const gpus = spec.resource_limits?.gpu?.number ?? spec.resource_requests?.gpu?.number ?? 0;
  const memoryBytes = memory === undefined ? undefined : parseQuantity(memory);
  return {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memoryBytes === undefined ? {} : { memoryBytes: Math.ceil(memoryBytes) }),
    ...(gpus > 0 ? { gpus } : {}),
  };
}
