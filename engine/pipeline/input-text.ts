// Writes an input on one line, as tables of pipelines show it. For people only; nothing reads it back.

import { inputMembers } from './input-tree.ts';
import type { PipelineInput } from './spec.ts';

const SIGNS = { cross: ' ⨯ ', union: ' ∪ ', join: ' ⋈ ' } as const;

/**
 * Returns an input as text: `repo:/glob`, `(a:/ ⨯ b:/*)` for a cross, `∪` for a union, `⋈` for a join, `(Group: …)`, and
 * `name:@every 1m` for cron, `-` for none. Branches other than master, and projects other than the pipeline's own, are shown too.
 */
export function inputText(input: PipelineInput, options: { project: string }): string {
  if ('pfs' in input) {
    const { project, repo, branch, glob } = input.pfs;
    const prefix = project === options.project ? '' : `${project}/`;
    return `${prefix}${repo}${branch === 'master' ? '' : `@${branch}`}:${glob}`;
  }
  if ('cron' in input) {
    return `${input.cron.name}:${input.cron.spec}`;
  }
  if ('git' in input) {
    return `${input.git.url}${input.git.branch === undefined ? '' : `@${input.git.branch}`}`;
  }
  const members = inputMembers(input).map((member) => inputText(member, options));
  if (members.length === 0) {
    return '-';
  }
  if ('group' in input) {
    return `(Group: ${members.join(', ')})`;
  }
  const sign = 'cross' in input ? SIGNS.cross : 'union' in input ? SIGNS.union : SIGNS.join;
  return `(${members.join(sign)})`;
}
