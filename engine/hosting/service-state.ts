// How a service is, in a word and a sentence.

import type { PipelineState } from '../journal/states.ts';
import type { Deployment } from './deployment.ts';

type Seen = Pick<Deployment, 'job' | 'upstream' | 'failure' | 'place'>;

export interface ServiceView {
  readonly serving: Seen | undefined;
  /** What is to take its place. */
  readonly next: Seen | undefined;
  /** Why the newest commit is not served and will not be. */
  readonly refused: { readonly reason: string; readonly isWrong: boolean } | undefined;
  /** Why nothing may be served that was. */
  readonly problem: string | undefined;
}

/** Returns the state of a service, and why it is so. */
export function serviceState({ serving, next, refused, problem }: ServiceView): {
  readonly state: PipelineState;
  readonly reason: string;
} {
  if (problem !== undefined && !serving && !next) {
    return { state: 'failure', reason: problem };
  }
  const meanwhile = serving?.upstream ? `; commit ${serving.job.id} is served meanwhile` : '';
  if (next?.failure !== undefined) {
    const what =
      next.job.id === serving?.job.id
        ? 'it can not be started with its secrets as they are now'
        : `commit ${next.job.id} is not served`;
    const reason = `${what}: ${next.failure}${meanwhile}`;
    return { state: 'crashing', reason };
  }
  if (serving && !serving.upstream && serving.failure !== undefined) {
    return { state: 'crashing', reason: serving.failure };
  }
  if (next || (serving && !serving.upstream)) {
    const { reason = '' } = (next ?? serving)?.place ?? {};
    return { state: serving?.upstream ? 'running' : 'starting', reason };
  }
  if (refused) {
    const reason = `the newest commit is not served: ${refused.reason}${meanwhile}`;
    const state = refused.isWrong ? 'crashing' : serving ? 'running' : 'standby';
    return { state, reason };
  }
  return serving
    ? { state: 'running', reason: '' }
    : { state: 'standby', reason: 'nothing to serve yet' };
}
