// Putting files: dropped anywhere on the view or chosen, then sent as one commit with a message. Cancelling leaves nothing.

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Commit, FRAMES_TYPE } from '../../engine/server/wire.ts';
import { asApiError, newKey } from '../data/api.ts';
import { announce } from '../data/live.ts';
import { upload } from '../data/upload.ts';
import { Icon } from '../parts/icon.tsx';
import { Note } from '../parts/notice.tsx';
import { countText, shortId, sizeText } from '../parts/numbers.ts';
import { chosenFiles, droppedFiles } from './dropped-files.ts';
import { commitPlace, type FilePlace, filesRoute } from './places.ts';
import { framesOf, nameProblem, pathBelow, type UploadFile } from './upload-frames.ts';
import { useDrop } from './use-drop.ts';

type State =
  | { readonly kind: 'choosing' }
  | { readonly kind: 'sending'; readonly sent: number; readonly total: number }
  | { readonly kind: 'done'; readonly commit: Commit };

const CHOOSING: State = { kind: 'choosing' };

export function UploadPanel({
  at,
  isOpen,
  onClose = () => undefined,
}: {
  readonly at: FilePlace;
  readonly isOpen: boolean;
  readonly onClose?: () => void;
}): JSX.Element | null {
  const [files, setFiles] = useState<readonly UploadFile[]>([]);
  const [message, setMessage] = useState('');
  const [state, setState] = useState<State>(CHOOSING);
  const [failure, setFailure] = useState<string>();
  const sending = useRef<AbortController>(undefined);
  // A try that is sent again is the same request: it makes one commit, whatever came of the first.
  const key = useRef('');

  const add = (more: readonly UploadFile[]) => {
    key.current = '';
    setFailure(undefined);
    setState(CHOOSING);
    setFiles((old) => {
      const paths = new Set(more.map(({ path }) => path));
      return [...old.filter(({ path }) => !paths.has(path)), ...more];
    });
  };
  const isOver = useDrop((transfer) => {
    if (state.kind !== 'sending') {
      droppedFiles(transfer).then(add, (error) =>
        setFailure(`Cannot read what was dropped: ${String(error)}; choose it by the button`),
      );
    }
  });
  useEffect(() => () => sending.current?.abort(), []);
  useEffect(() => {
    if (state.kind !== 'sending') {
      return;
    }
    const onLeave = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', onLeave);
    return () => window.removeEventListener('beforeunload', onLeave);
  }, [state.kind]);

  const send = async () => {
    const named = files.map(({ path, blob }) => ({ path: pathBelow(at.path, path), blob }));
    const problem = nameProblem(named);
    if (problem !== undefined) {
      setFailure(problem);
      return;
    }
    const ended = new AbortController();
    sending.current = ended;
    key.current ||= newKey();
    const body = framesOf(named);
    setFailure(undefined);
    setState({ kind: 'sending', sent: 0, total: body.size });
    try {
      const commit = await upload<Commit>(filesRoute(at.repo, at.ref), {
        query: { description: message },
        body,
        type: FRAMES_TYPE,
        key: key.current,
        onProgress: (sent, total) => setState({ kind: 'sending', sent, total }),
        signal: ended.signal,
      });
      setFiles([]);
      setMessage('');
      setState({ kind: 'done', commit });
      announce();
    } catch (error) {
      setState(CHOOSING);
      if (!ended.signal.aborted) {
        setFailure(asApiError(error).message);
      }
    }
  };
  const close = () => {
    setFiles([]);
    setFailure(undefined);
    setState(CHOOSING);
    onClose();
  };
  const size = files.reduce((sum, { blob }) => sum + blob.size, 0);
  const isIdle = files.length === 0 && state.kind === 'choosing' && failure === undefined;
  return (
    <>
      {isOver && (
        <div class="drop-veil">
          <p>
            Drop to put into <strong>{at.ref}</strong> below <code>/{at.path}</code>
          </p>
        </div>
      )}
      {(isOpen || !isIdle) && (
        <section class="upload" aria-label="Upload">
          {state.kind === 'done' && (
            <Note tone="good">
              {state.commit.state === 'open' ? 'Put into the open ' : 'Made '}
              <a href={commitPlace(at.repo, state.commit.id)}>commit {shortId(state.commit.id)}</a>.
            </Note>
          )}
          {failure !== undefined && (
            <div role="alert">
              <Note tone="bad">{failure}</Note>
            </div>
          )}
          {state.kind === 'sending' ? (
            <Progress
              sent={state.sent}
              total={state.total}
              count={files.length}
              onCancel={() => sending.current?.abort()}
            />
          ) : (
            <>
              <div class="upload-choose">
                <Chooser text="Choose files" onFiles={add} />
                <Chooser text="Choose a folder" isFolder onFiles={add} />
                <span class="muted">or drop them anywhere on the page</span>
                <button type="button" class="quiet" aria-label="Close the upload" onClick={close}>
                  <Icon name="close" />
                </button>
              </div>
              {files.length > 0 && (
                <form
                  class="form"
                  onSubmit={(event) => {
                    event.preventDefault();
                    void send();
                  }}
                >
                  <FileList files={files} />
                  <label>
                    Message
                    <input
                      autofocus
                      value={message}
                      placeholder="What this commit brings"
                      onInput={(event) => setMessage(event.currentTarget.value)}
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

function Progress({
  sent,
  total,
  count,
  onCancel,
}: {
  readonly sent: number;
  readonly total: number;
  readonly count: number;
  readonly onCancel: () => void;
}): JSX.Element {
  const isSent = sent >= total && total > 0;
  return (
    <div class="upload-progress">
      <progress max={total || 1} value={sent} aria-label="Sent" />
      <span role="status">
        {isSent ? 'The engine makes the commit' : `${sizeText(sent)} of ${sizeText(total)}`},{' '}
        {countText(count, 'file')}
      </span>
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </div>
  );
}
