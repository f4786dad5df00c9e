// Putting files: dropped anywhere on the view or chosen, then sent as one commit with a message.

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';
import { Note } from '../parts/notice.tsx';
import { countText, sizeText } from '../parts/numbers.ts';
import { chosenFiles, droppedFiles } from './dropped-files.ts';
import type { FilePlace } from './places.ts';
import type { UploadFile } from './upload-frames.ts';
import { Made, Progress } from './upload-state.tsx';
import {
  addFiles,
  forgetUpload,
  refuseFiles,
  sendFiles,
  setMessage,
  showHere,
  uploadKey,
  uploads,
} from './uploads.ts';
import { useDrop } from './use-drop.ts';

export function UploadPanel({
  at,
  isOpen,
  onClose,
}: {
  readonly at: FilePlace;
  readonly isOpen: boolean;
  readonly onClose?: () => void;
}): JSX.Element | null {
  const key = uploadKey(at);
  const upload = uploads.value.get(key);
  const { files = [], message = '', state } = upload ?? {};
  const isSending = state?.kind === 'sending';
  const failure = state?.kind === 'choosing' ? state.failure : undefined;
  useEffect(() => showHere(key), [key]);

  const add = (more: readonly UploadFile[]) => addFiles(at, more);
  const isOver = useDrop((transfer) => {
    if (!isSending) {
      droppedFiles(transfer).then(add, (error) =>
        refuseFiles(at, `Cannot read what was dropped: ${String(error)}; choose it by the button`),
      );
    }
  });
  const close = () => {
    forgetUpload(key);
    onClose?.();
  };
  const size = files.reduce((sum, { blob }) => sum + blob.size, 0);
  return (
    <>
      {isOver && !isSending && (
        <div class="drop-veil">
          <p>
            Drop to put into <strong>{at.ref}</strong> below <code>/{at.path}</code>
          </p>
        </div>
      )}
      {(isOpen || upload) && (
        <section class="upload" aria-label="Upload">
          {state?.kind === 'done' && <Made at={at} commit={state.commit} />}
          {failure !== undefined && (
            <div role="alert">
              <Note tone="bad">{failure}</Note>
            </div>
          )}
          {upload && isSending ? (
            <Progress upload={upload} />
          ) : (
            <>
              <div class="upload-choose">
                <Chooser text="Choose files" onFiles={add} />
                <Chooser text="Choose a folder" isFolder onFiles={add} />
                <span class="muted">or drop them anywhere on the page</span>
                {(onClose || upload) && (
                  <button type="button" class="quiet" aria-label="Close the upload" onClick={close}>
                    <Icon name="close" />
                  </button>
                )}
              </div>
              {files.length > 0 && (
                <form
                  class="form"
                  onSubmit={(event) => {
                    event.preventDefault();
                    void sendFiles(key);
                  }}
                >
                  <FileList files={files} />
                  <label>
                    Message
                    <input
                      autofocus
                      value={message}
                      placeholder="What this commit brings"
                      onInput={(event) => setMessage(key, event.currentTarget.value)}
                    />
                  </label>
                  <div class="form-end">
                    <button type="button" onClick={close}>
                      Cancel
                    </button>
                    <button type="submit" class="primary">
                      Put {countText(files.length, 'file')}, {sizeText(size)}
                    </button>
                  </div>
                </form>
              )}
            </>
          )}
        </section>
      )}
    </>
  );
}

const LISTED = 8;

function FileList({ files }: { readonly files: readonly UploadFile[] }): JSX.Element {
  return (
    <ul class="upload-files">
      {files.slice(0, LISTED).map(({ path, blob }) => (
        <li key={path}>
          <span class="mono">{path}</span> <span class="muted">{sizeText(blob.size)}</span>
        </li>
      ))}
      {files.length > LISTED && <li class="muted">and {files.length - LISTED} more</li>}
    </ul>
  );
}

function Chooser({
  text,
  isFolder = false,
  onFiles,
}: {
  readonly text: string;
  readonly isFolder?: boolean;
  readonly onFiles: (files: readonly UploadFile[]) => void;
}): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current) {
      input.current.webkitdirectory = isFolder;
    }
  }, [isFolder]);
  return (
    <>
      <button type="button" onClick={() => input.current?.click()}>
        {text}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={text}
        onChange={({ currentTarget }) => {
          if (currentTarget.files) {
            onFiles(chosenFiles(currentTarget.files));
          }
          // The same choice once more is a change, too.
          currentTarget.value = '';
        }}
      />
    </>
  );
}
