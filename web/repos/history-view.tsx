// The commits in which a path changed.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import { refParams } from '../../client/params.ts';
import type { FoundCommit } from '../../engine/server/wire-versions.ts';
import type { ViewProps } from '../app/view.ts';
import { asApiError, engine } from '../data/api.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Failure, Loading } from '../parts/notice.tsx';
import { shortId, sizeText } from '../parts/numbers.ts';
import { Ago } from '../parts/time.tsx';
import { titleOf } from './commits-view.tsx';
import { placeOf } from './files-view.tsx';
import { PathLinks } from './path-bar.tsx';
import { commitPlace, diffPlace, type FilePlace, filePlace, repoText } from './places.ts';
import { RefChoice } from './ref-choice.tsx';
import { RepoFrame } from './repo-frame.tsx';

/** So many are looked for at a time: going through all of a long history takes its time. */
const PAGE = 100;

export function HistoryView({ params }: ViewProps): JSX.Element {
  const at = placeOf(params);
  return (
    <RepoFrame name={at.repo} tab="files" at={at.ref}>
      {(refs) => (
        <>
          <div class="bar">
            <RefChoice
              refs={refs}
              now={at.ref}
              placeOf={(ref) => filePlace({ ...at, ref }, 'history')}
            />
            <PathLinks at={at} />
          </div>
          <h2 class="section">
            Commits that changed {at.path === '' ? 'anything' : `/${at.path}`}
          </h2>
          <PathHistory key={`${repoText(at.repo)}@${at.ref}:${at.path}`} at={at} />
        </>
      )}
    </RepoFrame>
  );
}

function PathHistory({ at }: { readonly at: FilePlace }): JSX.Element {
  const [found, setFound] = useState<readonly FoundCommit[]>([]);
  const [from, setFrom] = useState(at.ref);
  const [isLoading, setLoading] = useState(true);
  const [next, setNext] = useState<string>();
  const [error, setError] = useState<ApiError>();
  useEffect(() => {
    const ended = new AbortController();
    const load = async () => {
      const params = refParams(at.repo, from);
      let count = 0;
      let last: FoundCommit | undefined;
      try {
        for await (const one of engine.lines('GET /repos/{project}/{repo}/files/{ref}/commits', {
          params,
          query: { path: `/${at.path}`, limit: PAGE },
          signal: ended.signal,
        })) {
          count += 1;
          last = one;
          setFound((old) => [...old, one]);
        }
        setNext(count === PAGE ? (last?.commit.parent ?? undefined) : undefined);
      } catch (failure) {
        if (ended.signal.aborted) {
          return;
        }
        const told = asApiError(failure);
        // Below the first commit that has the path there is none.
        if (from === at.ref || told.status !== 404) {
          setError(told);
        }
        setNext(undefined);
      }
      setLoading(false);
    };
    void load();
    return () => ended.abort();
  }, [from]);
  const more = () => {
    if (next !== undefined && !isLoading) {
      setLoading(true);
      setFrom(next);
    }
  };
  if (found.length === 0) {
    return error ? <Failure error={error} /> : <Loading />;
  }
  return (
    <>
      <DataTable
        label="Commits"
        columns={columnsOf(at)}
        items={found}
        keyOf={({ commit }) => commit.id}
        onMore={more}
      />
      {error && <Failure error={error} />}
      {isLoading && <Loading />}
    </>
  );
}

function columnsOf({ repo, path }: FilePlace): readonly Column<FoundCommit>[] {
  return [
    {
      title: 'Commit',
      cell: ({ commit }) => <a href={commitPlace(repo, commit.id)}>{titleOf(commit)}</a>,
    },
    {
      title: 'Change',
      width: '110px',
      cell: ({ kind, commit }) => (
        <a href={diffPlace(repo, { old: commit.parent ?? undefined, now: commit.id, path })}>
          {kind}
        </a>
      ),
    },
    {
      title: 'File then',
      width: '120px',
      from: 'medium',
      isNumber: true,
      cell: ({ file, commit }) =>
        file && <a href={filePlace({ repo, ref: commit.id, path })}>{sizeText(file.size)}</a>,
    },
    {
      title: 'Id',
      width: '110px',
      from: 'medium',
      cell: ({ commit }) => <span class="mono muted">{shortId(commit.id)}</span>,
    },
    { title: 'When', width: '120px', cell: ({ commit }) => <Ago at={commit.started} /> },
  ];
}
