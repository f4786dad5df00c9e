// What a job's output commit is made from, as far as the job can tell.

import { type CommitRecord, commitKey, jobKey, type ProvenanceLink } from '../journal/records.ts';
import type { State } from '../journal/state.ts';
import { shortRepo } from '../pfs/names.ts';
import type { SourceView } from '../pipeline/plan.ts';

/** Returns the sources of an output commit; none where it is not known any more. */
export function sourceViews(state: State, output: CommitRecord | undefined): SourceView[] {
  return (output?.provenance ?? []).map((link) => sourceView(state, link));
}

function sourceView(state: State, link: ProvenanceLink): SourceView {
  const name = `${shortRepo(link.repo)}@${link.branch}`;
  const commit = state.commits.get(commitKey(link.repo, link.commit));
  if (commit !== undefined && commit.finished === null) {
    return { name, state: 'open' };
  }
  return (commit?.error ?? null) === null
    ? { name, state: 'good' }
    : { name, state: 'failed', because: [...new Set(failedAbove(state, link))] };
}

/** Returns what failed and made a job unrunnable, wherever that is upstream; nothing for a job that failed itself. */
function failedAbove(state: State, { repo, commit }: ProvenanceLink): string[] {
  if (state.jobs.get(jobKey(repo, commit))?.state !== 'unrunnable') {
    return [];
  }
  const { provenance = [] } = state.commits.get(commitKey(repo, commit)) ?? {};
  return provenance.flatMap((link) => {
    const { name, state: how, because = [] } = sourceView(state, link);
    return how !== 'failed' ? [] : because.length > 0 ? because : [name];
  });
}
