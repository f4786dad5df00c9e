// Which branch, tag or commit one looks at.

import type { JSX } from 'preact';
import { go } from '../app/router.ts';
import { shortId } from '../parts/numbers.ts';
import type { RepoRefs } from './repo-frame.tsx';

/** A choice among the branches and tags of a repo; a commit that is looked at is one more. */
export function RefChoice({
  refs,
  now,
  placeOf,
}: {
  readonly refs: RepoRefs;
  readonly now: string;
  /** Where one goes with a choice. */
  readonly placeOf: (ref: string) => string;
}): JSX.Element {
  const branches = refs.branches.map(({ name }) => name);
  const tags = refs.tags.map(({ name }) => name);
  const isOther = now !== '' && ![...branches, ...tags].includes(now);
  return (
    <label class="ref-choice">
      <span class="unseen">Branch, tag or commit</span>
      <select value={now} onChange={(event) => go(placeOf(event.currentTarget.value))}>
        {isOther && <option value={now}>commit {shortId(now)}</option>}
        <optgroup label="Branches">
          {branches.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </optgroup>
        {tags.length > 0 && (
          <optgroup label="Tags">
            {tags.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </optgroup>
        )}
      </select>
    </label>
  );
}
