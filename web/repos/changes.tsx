// The files that differ between two commits.

import type { JSX } from 'preact';
import type { ApiError } from '../../client/api-error.ts';
import { refParams } from '../../client/params.ts';
import type { FileChange, RepoName } from '../../engine/server/wire.ts';
import { engine } from '../data/api.ts';
import { usePages } from '../data/pages.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Failure, Loading } from '../parts/notice.tsx';
import { countText, sizeText } from '../parts/numbers.ts';
import { diffPlace, repoText } from './places.ts';
import { isOfRepo } from './repo-frame.tsx';

const SIGNS = { added: '+', removed: '−', changed: '~' } as const;

/** Lists what differs; `old` is the commit before where it is not named. */
export function Changes({
  repo,
  old,
  now,
}: {
  readonly repo: RepoName;
  readonly old?: string | undefined;
  readonly now: string;
}): JSX.Element {
  const { items, error, more, reload } = usePages<FileChange>(
    `diff ${repoText(repo)} ${old} ${now}`,
    (after, signal) =>
      engine.call('GET /repos/{project}/{repo}/files/{ref}/diff', {
        params: refParams(repo, now),
        query: { old: sideOf(repo, old), after, limit: 500 },
        signal,
      }),
    isOfRepo(repo),
  );
  if (!items) {
    return error ? <NoChanges error={error} retry={reload} /> : <Loading />;
  }
  if (items.length === 0) {
    return <p class="muted">No files differ.</p>;
  }
  const counts = (['added', 'changed', 'removed'] as const)
    .map((kind) => [kind, items.filter((change) => change.kind === kind).length] as const)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`);
  return (
    <>
      <p class="count-line muted">
        {countText(items.length, 'file')}: {counts.join(', ')}
        {more ? ', and more below' : ''}
      </p>
      {error && <Failure error={error} retry={reload} />}
      <DataTable
        label="Changed files"
        columns={columnsOf(repo, old, now)}
        items={items}
        keyOf={({ path }) => path}
        onMore={more}
      />
    </>
  );
}

/** Writes a side of a comparison as the API wants it. */
export function sideOf(repo: RepoName, ref: string | undefined, path = ''): string | undefined {
  return ref === undefined ? undefined : `${repo.project}/${repo.name}@${ref}:/${path}`;
}

function NoChanges({
  error,
  retry,
}: {
  readonly error: ApiError;
  readonly retry: () => void;
}): JSX.Element {
  return error.code === 'failed_precondition' ? (
    <p class="muted">{error.message}</p>
  ) : (
    <Failure error={error} retry={retry} />
  );
}

function columnsOf(
  repo: RepoName,
  old: string | undefined,
  now: string,
): readonly Column<FileChange>[] {
  return [
    {
      title: 'Path',
      cell: ({ kind, path }) => (
        <a class="file-name" href={diffPlace(repo, { old, now, path: path.slice(1) })}>
          <span class={`sign sign-${kind}`} aria-hidden="true">
            {SIGNS[kind]}
          </span>
          {path.slice(1)}
        </a>
      ),
    },
    { title: 'Change', width: '100px', from: 'medium', cell: ({ kind }) => kind },
    {
      title: 'Size',
      width: '170px',
      isNumber: true,
      cell: (change) => sizesText(change),
    },
  ];
}

/** How large a file was and is. */
export function sizesText({ old, new: now }: FileChange): string {
  const sizes = [old, now].flatMap((file) => (file ? sizeText(file.size) : []));
  return sizes[0] === sizes[1] ? (sizes[0] ?? '') : sizes.join(' → ');
}
