// The ports of this machine that services take: no two the same one.

import { type PipelineSpec, pipelineKey, type Service, servedPort } from './spec.ts';
import type { SpecPath, SpecProblem } from './spec-document.ts';

const EVERY_ADDRESS = new Set(['0.0.0.0', '::']);

/** Returns what is wrong with the port that a pipeline is to be reached on, given all that run for ever. */
export function portProblems(
  spec: PipelineSpec,
  hosted: () => Iterable<PipelineSpec>,
): SpecProblem[] {
  const own = servedPort(spec);
  if (!own) {
    return [];
  }
  const path: SpecPath = spec.service ? ['service'] : ['spout', 'service'];
  const key = pipelineKey(spec);
  const other = [...hosted()].find(
    (one) => pipelineKey(one) !== key && clash(own, servedPort(one)),
  );
  return other
    ? [
        {
          path: [...path, 'external_port'],
          message: `port ${own.external_port} of ${own.ip} is that of the pipeline "${other.pipeline.name}"; choose another, or 0 for any`,
        },
      ]
    : [];
}

function clash(one: Service, other: Service | undefined): boolean {
  const isEvery = EVERY_ADDRESS.has(one.ip) || EVERY_ADDRESS.has(other?.ip ?? '');
  return (
    one.external_port !== 0 &&
    one.external_port === other?.external_port &&
    (isEvery || one.ip === other.ip)
  );
}
