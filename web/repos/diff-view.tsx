// What differs between two commits of a repo: all files, or one of them.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { go, place } from '../app/router.ts';
import type { ViewProps } from '../app/view.ts';
import { shortId } from '../parts/numbers.ts';
import { Changes } from './changes.tsx';
import { FileDiff } from './file-diff.tsx';
import { diffPlace, repoOf, trimPath } from './places.ts';
import { defaultRef, RepoFrame, type RepoRefs } from './repo-frame.tsx';

export function DiffView({ params }: ViewProps): JSX.Element {
  const name = repoOf(params);
  return (
    <RepoFrame name={name} tab="commits">
      {(refs) => <Difference refs={refs} />}
    </RepoFrame>
  );
}

function Difference({ refs }: { readonly refs: RepoRefs }): JSX.Element {
  const { query } = place.value;
  const old = query.get('old') ?? undefined;
  const now = query.get('new') ?? defaultRef(refs.branches) ?? '';
  const path = trimPath(query.get('path') ?? '');
  const { repo } = refs;
  return (
    <>
      <Sides key={`${old} ${now}`} refs={refs} old={old} now={now} path={path} />
      {now === '' ? (
        <p class="muted">The repo has no commits to compare yet.</p>
      ) : path === '' ? (
        <Changes repo={repo} old={old} now={now} />
      ) : (
        <>
          <p class="count-line">
            <a href={diffPlace(repo, { old, now })}>All changed files</a>
            <span class="mono">/{path}</span>
          </p>
          <FileDiff repo={repo} old={old} now={now} path={path} />
        </>
      )}
    </>
  );
}

/** Says which commits are compared, and takes others. */
function Sides({
  refs,
  old,
  now,
  path,
}: {
  readonly refs: RepoRefs;
  readonly old: string | undefined;
  readonly now: string;
  readonly path: string;
}): JSX.Element {
  const [left, setLeft] = useState(old ?? '');
  const [right, setRight] = useState(now);
  const to = (a: string, b: string) =>
    go(diffPlace(refs.repo, { old: a.trim() || undefined, now: b.trim(), path }));
  const names = [...refs.branches, ...refs.tags].map(({ name }) => name);
  return (
    <form
      class="bar sides"
      onSubmit={(event) => {
        event.preventDefault();
        to(left, right);
      }}
    >
      <label>
        From
        <input
          list="refs"
          value={left}
          placeholder="the commit before"
          onInput={(event) => setLeft(event.currentTarget.value)}
        />
      </label>
      <label>
        To
        <input
          list="refs"
          required
          value={right}
          onInput={(event) => setRight(event.currentTarget.value)}
        />
      </label>
      <datalist id="refs">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <button type="submit">Compare</button>
      {old !== undefined && (
        <button type="button" onClick={() => to(now, old)}>
          Swap
        </button>
      )}
      <span class="unseen" role="status">
        Comparing {old === undefined ? 'the commit before' : shortId(old)} with {shortId(now)}
      </span>
    </form>
  );
}
