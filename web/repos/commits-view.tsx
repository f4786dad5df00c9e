// The history of a repo: of all of it with its branches as lines, or of one branch.

import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { repoParams } from '../../client/params.ts';
import type { Commit, RepoName } from '../../engine/server/wire.ts';
import { place, setQuery } from '../app/router.ts';
import type { ViewProps } from '../app/view.ts';
import { engine } from '../data/api.ts';
import { usePages } from '../data/pages.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Empty, Failure, Loading } from '../parts/notice.tsx';
import { shortId, sizeText } from '../parts/numbers.ts';
import { State } from '../parts/state.tsx';
import { Ago } from '../parts/time.tsx';
import { CommitLanes, type LaneRow } from './commit-lanes.ts';
import { LaneCell, lanesWidth } from './lane-cell.tsx';
import { commitPlace, filePlace, repoOf, repoText } from './places.ts';
import { isOfRepo, RepoFrame, type RepoRefs } from './repo-frame.tsx';

const PAGE = 200;

export function CommitsView({ params }: ViewProps): JSX.Element {
  const name = repoOf(params);
  return (
    <RepoFrame name={name} tab="commits">
      {(refs) => <History refs={refs} />}
    </RepoFrame>
  );
}

function History({ refs }: { readonly refs: RepoRefs }): JSX.Element {
  const { repo } = refs;
  const branch = place.value.query.get('branch') ?? '';
  const { items, error, more, reload } = usePages<Commit>(
    `commits ${repoText(repo)} ${branch}`,
    (after, signal) =>
      engine.call('GET /repos/{project}/{repo}/commits', {
        params: repoParams(repo),
        query: { branch: branch || undefined, after, limit: PAGE },
        signal,
      }),
    isOfRepo(repo),
  );
  const rows = useLanes(items, branch !== '');
  if (!items) {
    return error ? <Failure error={error} retry={reload} /> : <Loading />;
  }
  if (items.length === 0) {
    return (
      <Empty
        title="No commits yet"
        commands={[
          {
            says: 'Each put makes one',
            command: `pfs put-file ${repoText(repo)}@master -f data.csv`,
          },
        ]}
      />
    );
  }
  return (
    <>
      <div class="bar">
        <select
          aria-label="Branch"
          value={branch}
          onChange={(event) => setQuery({ branch: event.currentTarget.value })}
        >
          <option value="">All branches</option>
          {refs.branches.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      {error && <Failure error={error} retry={reload} />}
      <DataTable
        label="Commits"
        columns={columnsOf(refs, rows, items)}
        items={items}
        keyOf={({ id }) => id}
        onMore={more}
      />
    </>
  );
}

/** Returns the lines beside each commit; those that were there stay when more come. */
function useLanes(
  items: readonly Commit[] | undefined,
  isOneBranch: boolean,
): ReadonlyMap<string, LaneRow> {
  return useMemo(() => {
    const lanes = new CommitLanes();
    return new Map(
      (items ?? []).map(({ id, parent, merged }) => {
        const parents = [parent, isOneBranch ? null : merged].filter((one) => one !== null);
        return [id, lanes.next({ id, parents })];
      }),
    );
  }, [items?.length, items?.[0]?.id, items?.at(-1)?.id, isOneBranch]);
}

function columnsOf(
  { repo, branches, tags }: RepoRefs,
  rows: ReadonlyMap<string, LaneRow>,
  items: readonly Commit[],
): readonly Column<Commit>[] {
  const names = new Map<string, { readonly text: string; readonly kind: string }[]>();
  const add = (id: string | null, text: string, kind: string) => {
    if (id !== null) {
      names.set(id, [...(names.get(id) ?? []), { text, kind }]);
    }
  };
  for (const { name, head } of branches) {
    add(head, name, 'branch');
  }
  for (const { name, commit } of tags) {
    add(commit, name, 'tag');
  }
  const width = lanesWidth(items.flatMap(({ id }) => rows.get(id) ?? []));
  return [
    {
      title: 'Commit',
      cell: (commit) => {
        const row = rows.get(commit.id);
        return (
          <span class="commit-line">
            <span style={{ flex: `0 0 ${width}px` }}>
              {row && <LaneCell row={row} isOpen={commit.state === 'open'} />}
            </span>
            {names.get(commit.id)?.map(({ text, kind }) => (
              <a
                key={text}
                class={`ref ref-${kind}`}
                href={filePlace({ repo, ref: text, path: '' })}
                title={kind}
              >
                {text}
              </a>
            ))}
            <a class="commit-text" href={commitPlace(repo, commit.id)}>
              {titleOf(commit)}
            </a>
          </span>
        );
      },
    },
    { title: 'State', width: '110px', cell: ({ state }) => <State state={state} /> },
    {
      title: 'Id',
      width: '110px',
      from: 'medium',
      cell: ({ id }) => (
        <span class="mono muted" title={id}>
          {shortId(id)}
        </span>
      ),
    },
    {
      title: 'Size',
      width: '90px',
      from: 'medium',
      isNumber: true,
      cell: ({ state, size }) => (state === 'open' ? '' : sizeText(size)),
    },
    {
      title: 'Started',
      width: '120px',
      from: 'wide',
      cell: ({ started }) => <Ago at={started} />,
    },
  ];
}

/** What a commit is called in lists. */
export function titleOf(commit: Commit): string {
  const { description, pipeline, origin, error } = commit;
  if (error !== null) {
    return error;
  }
  return (
    description ||
    (pipeline ? `${pipeline.name}, version ${pipeline.version}` : '') ||
    (origin === 'user' ? 'No message' : 'Made by the engine')
  );
}

/** A link to a commit that tells which repo it is of. */
export function CommitName({
  repo,
  branch,
  id,
}: {
  readonly repo: RepoName;
  readonly branch: string;
  readonly id: string;
}): JSX.Element {
  if (repo.name === '') {
    return <span class="mono muted">{shortId(id)} (not readable)</span>;
  }
  return (
    <a href={commitPlace(repo, id)}>
      {repoText(repo)}@{branch} <span class="mono">{shortId(id)}</span>
    </a>
  );
}
