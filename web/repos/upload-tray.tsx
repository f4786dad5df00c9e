// Uploads that go on while one looks at something else, in a corner of every view.

import type { JSX } from 'preact';
import { needsSignIn } from '../data/session.ts';
import { Icon } from '../parts/icon.tsx';
import { Note } from '../parts/notice.tsx';
import { commandPlace, filePlace } from './places.ts';
import { Made, Progress } from './upload-state.tsx';
import { forgetUpload, sendFiles, shownHere, type Upload, uploads } from './uploads.ts';

/** Draws those under way and what came of them, but for those that the view shows itself. */
export function UploadTray(): JSX.Element | null {
  const away = [...uploads.value].filter(
    ([key, { state }]) =>
      (needsSignIn.value || !shownHere.value.has(key)) &&
      (state.kind !== 'choosing' || state.failure !== undefined),
  );
  if (away.length === 0) {
    return null;
  }
  return (
    <aside class="upload-tray" aria-label="Uploads">
      {away.map(([key, upload]) => (
        <OneUpload key={key} name={key} upload={upload} />
      ))}
    </aside>
  );
}

function OneUpload({ name, upload }: { readonly name: string; readonly upload: Upload }) {
  const { at, files, state } = upload;
  const failure = state.kind === 'choosing' ? state.failure : undefined;
  return (
    <section class="upload-away">
      <header>
        <span>
          Into{' '}
          <a class="mono" href={filePlace(at)}>
            {commandPlace(at)}
          </a>
        </span>
        {state.kind !== 'sending' && (
          <button
            type="button"
            class="quiet"
            aria-label="Close the upload"
            onClick={() => forgetUpload(name)}
          >
            <Icon name="close" />
          </button>
        )}
      </header>
      <Progress upload={upload} />
      {state.kind === 'done' && <Made at={at} commit={state.commit} />}
      {failure !== undefined && (
        <div role="alert">
          <Note tone="bad">{failure}</Note>
          {files.length > 0 && (
            <button type="button" onClick={() => void sendFiles(name)}>
              Try again
            </button>
          )}
        </div>
      )}
    </section>
  );
}
