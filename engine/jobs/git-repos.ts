// What a pipeline keeps for its Git inputs: a repo for each, and how far it has followed the server.

import type { GitRecord } from '../journal/git-records.ts';
import type { PipelineRecord } from '../journal/records.ts';
import type { Change } from '../pfs/change.ts';
import { gitInputs } from '../pipeline/input-tree.ts';
import type { PipelineSpec } from '../pipeline/spec.ts';
import { makeOwnRepo } from './own-repos.ts';

/**
 * Makes the repos of Git inputs that are missing, and returns the inputs with where they are. One that follows what it did
 * goes on; another server or branch begins with the commit that is there.
 */
export function gitsOf(
  change: Change,
  spec: PipelineSpec,
  old: PipelineRecord | undefined,
): Pick<PipelineRecord, 'gits'> {
  const gits = gitInputs(spec.input).map((input): GitRecord => {
    const repo = `${input.project}/${input.repo}`;
    makeOwnRepo(change, repo, `commits of ${input.url}`);
    const known = old?.gits?.find((git) => git.input === input.name);
    const { url } = input;
    const branch = input.branch ?? null;
    const isSame = known?.url === url && known.branch === branch && known.repo === repo;
    return {
      input: input.name,
      repo,
      url,
      branch,
      hook: known?.hook ?? change.context.ids.next(),
      taken: isSame ? known.taken : null,
      takenTime: isSame ? known.takenTime : 0,
    };
  });
  return gits.length === 0 ? {} : { gits };
}
