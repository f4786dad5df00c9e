// How commits and commit sets look.

import type { Commit, CommitSet } from '../engine/server/wire.ts';
import {
  formatImage,
  formatLink,
  formatProgress,
  formatSize,
  formatSpan,
  formatTime,
  type TimeStyle,
} from './format.ts';
import { showName } from './refs.ts';

/** The columns of a kind of list. */
export interface Columns<T> {
  readonly heading: readonly string[];
  readonly row: (item: T) => readonly string[];
}

/** Returns the columns of a list of commits. */
export function commitColumns(times: TimeStyle): Columns<Commit> {
  return {
    heading: ['REPO', 'BRANCH', 'COMMIT', 'STATE', 'FINISHED', 'SIZE', 'ORIGIN', 'DESCRIPTION'],
    row: (commit) => [
      showName(commit.repo),
      commit.branch,
      commit.id,
      commit.state,
      formatTime(commit.finished, times),
      commit.state === 'open' ? '-' : formatSize(commit.size),
      commit.origin,
      commit.error ?? commit.description,
    ],
  };
}

/** Returns the columns of a list of commit sets. */
export function commitSetColumns(times: TimeStyle): Columns<CommitSet> {
  return {
    heading: ['ID', 'COMMITS', 'PROGRESS', 'CREATED', 'MODIFIED'],
    row: (set) => [
      set.id,
      String(set.commits),
      `${set.finished} / ${set.commits}${set.failed > 0 ? `, ${set.failed} failed` : ''}`,
      formatTime(set.created, times),
      formatTime(set.modified, times),
    ],
  };
}

/** Returns the fields of one commit, with what it was made from. */
export function commitFields(
  commit: Commit,
  times: TimeStyle,
): readonly (readonly [string, string | undefined])[] {
  const { pipeline, job } = commit;
  return [
    ['Commit', `${showName(commit.repo)}@${commit.branch}=${commit.id}`],
    ['Description', commit.description],
    ['State', commit.state],
    ['Error', commit.error ?? undefined],
    ['Origin', commit.origin],
    ['Parent', commit.parent ?? undefined],
    ['Merged', commit.merged ?? undefined],
    ['Started', formatTime(commit.started, times)],
    ['Finished', formatTime(commit.finished, times)],
    ['Took', commit.finished ? formatSpan(commit.started, commit.finished, times.now) : undefined],
    [
      'Size',
      commit.state === 'open'
        ? undefined
        : `${formatSize(commit.size)} in ${commit.files} ${commit.files === 1 ? 'file' : 'files'}`,
    ],
    ['Provenance', commit.provenance.map(formatLink).join('\n')],
    ['Pipeline', pipeline ? `${showName(pipeline)}, version ${pipeline.version}` : undefined],
    ['Image', commit.image ? formatImage(commit.image) : undefined],
    ['Image digest', commit.image?.digest],
    ['Job', job ? `${job.state}, ${formatProgress(job.datums)}` : undefined],
    ['Git commit', commit.git.commit ?? undefined],
    ['Git tree', commit.git.tree ?? undefined],
  ];
}
