// How inputs that follow Git servers are shown.

import type { GitInput } from '../engine/server/wire-git-inputs.ts';
import { formatLocal } from './format.ts';

/** Returns a few lines for each; undefined where there are none. */
export function showGitInputs(
  inputs: readonly GitInput[],
  options: { readonly address: string },
): string | undefined {
  const time = (text: string | null) => (text === null ? undefined : formatLocal(Date.parse(text)));
  const lines = inputs.flatMap(({ input, url, branch, taken, looked, next, problem, hook }) => [
    `${input}: ${url}${branch === null ? '' : `@${branch}`} at ${taken?.slice(0, 12) ?? 'no commit yet'}`,
    ...(problem === '' ? [] : [`  Problem: ${problem}`]),
    `  Looked at ${time(looked) ?? 'not yet'}, again ${time(next) ?? 'when asked'}`,
    `  Webhook: ${options.address}${hook}`,
  ]);
  return lines.length === 0 ? undefined : lines.join('\n');
}
