// How far an upload is, and what came of it.

import type { JSX } from 'preact';
import type { Commit } from '../../engine/server/wire.ts';
import { Note } from '../parts/notice.tsx';
import { countText, shortId, sizeText } from '../parts/numbers.ts';
import { commitPlace, type FilePlace } from './places.ts';
import { cancelUpload, type Upload, uploadKey } from './uploads.ts';

/** Draws one that is under way, with the way to end it. */
export function Progress({ upload }: { readonly upload: Upload }): JSX.Element | null {
  const { at, files, state } = upload;
  if (state.kind !== 'sending') {
    return null;
  }
  const { sent, total } = state;
  const isSent = sent >= total && total > 0;
  return (
    <div class="upload-progress">
      <progress max={total || 1} value={sent} aria-label="Sent" />
      <span role="status">
        {isSent ? 'The engine makes the commit' : `${sizeText(sent)} of ${sizeText(total)}`},{' '}
        {countText(files.length, 'file')}
      </span>
      <button type="button" onClick={() => cancelUpload(uploadKey(at))}>
        Cancel
      </button>
    </div>
  );
}

/** Names the commit that files have become. */
export function Made({
  at,
  commit,
}: {
  readonly at: FilePlace;
  readonly commit: Commit;
}): JSX.Element {
  return (
    <Note tone="good">
      {commit.state === 'open' ? 'Put into the open ' : 'Made '}
      <a href={commitPlace(at.repo, commit.id)}>commit {shortId(commit.id)}</a>.
    </Note>
  );
}
