// Files that somebody puts, from their choice until they are a commit: above the views, so that an upload goes on wherever in the
// page one goes meanwhile. Cancelling leaves nothing.

import { signal } from '@preact/signals';
import { newKey } from '../../client/idempotency-key.ts';
import { refParams } from '../../client/params.ts';
import { type Commit, FRAMES_TYPE } from '../../engine/server/wire.ts';
import { asApiError, engine } from '../data/api.ts';
import { announce } from '../data/live.ts';
import { type FilePlace, repoText } from './places.ts';
import { framesOf, nameProblem, pathBelow, type UploadFile } from './upload-frames.ts';

export type UploadState =
  | { readonly kind: 'choosing'; readonly failure: string | undefined }
  | { readonly kind: 'sending'; readonly sent: number; readonly total: number }
  | { readonly kind: 'done'; readonly commit: Commit };

/** Files for one directory of a branch. */
export interface Upload {
  readonly at: FilePlace;
  readonly files: readonly UploadFile[];
  /** What the commit will say. */
  readonly message: string;
  readonly state: UploadState;
}

/** All there are, by the directory that they are for. */
export const uploads = signal<ReadonlyMap<string, Upload>>(new Map());

/** Those that the view shows itself. */
export const shownHere = signal<ReadonlySet<string>>(new Set());

/** What ends those under way, and the keys under which they are sent: one that is sent again makes one commit. */
const sendings = new Map<string, AbortController>();
const keys = new Map<string, string>();

/** Returns what names the upload for a directory. */
export function uploadKey({ repo, ref, path }: FilePlace): string {
  return `${repoText(repo)}@${ref}:${path}`;
}

/** Adds files to those that are chosen for a directory; the same path once more takes the place of the first. */
export function addFiles(at: FilePlace, more: readonly UploadFile[]): void {
  const key = uploadKey(at);
  const old = uploads.value.get(key);
  const paths = new Set(more.map(({ path }) => path));
  if (more.length > 0) {
    // Other files are another commit.
    keys.delete(key);
  }
  set(key, {
    at,
    message: '',
    ...old,
    files: [...(old?.files ?? []).filter(({ path }) => !paths.has(path)), ...more],
    state: { kind: 'choosing', failure: undefined },
  });
}

/** Says what the commit is to say. */
export function setMessage(key: string, message: string): void {
  change(key, { message });
}

/** Says why files could not be read. */
export function refuseFiles(at: FilePlace, failure: string): void {
  addFiles(at, []);
  change(uploadKey(at), { state: { kind: 'choosing', failure } });
}

/** Sends the files that are chosen for a directory, as one commit; none where there are no files. */
export async function sendFiles(key: string): Promise<void> {
  const found = uploads.value.get(key);
  if (!found || found.files.length === 0 || sendings.has(key)) {
    return;
  }
  const { at, files, message } = found;
  const named = files.map(({ path, blob }) => ({ path: pathBelow(at.path, path), blob }));
  const problem = nameProblem(named);
  if (problem !== undefined) {
    change(key, { state: { kind: 'choosing', failure: problem } });
    return;
  }
  const ended = new AbortController();
  const again = keys.get(key) ?? newKey();
  keys.set(key, again);
  sendings.set(key, ended);
  window.addEventListener('beforeunload', askBeforeLeaving);
  const body = framesOf(named);
  change(key, { state: { kind: 'sending', sent: 0, total: body.size } });
  try {
    const commit = await engine.upload('POST /repos/{project}/{repo}/files/{ref}', {
      params: refParams(at.repo, at.ref),
      query: { description: message },
      source: body,
      type: FRAMES_TYPE,
      idempotencyKey: again,
      onProgress: (sent, total) => change(key, { state: { kind: 'sending', sent, total } }),
      signal: ended.signal,
    });
    keys.delete(key);
    change(key, { files: [], message: '', state: { kind: 'done', commit } });
    announce();
  } catch (error) {
    const failure = ended.signal.aborted ? undefined : asApiError(error).message;
    change(key, { state: { kind: 'choosing', failure } });
  } finally {
    sendings.delete(key);
    if (sendings.size === 0) {
      window.removeEventListener('beforeunload', askBeforeLeaving);
    }
  }
}

/** Ends one that is under way; its files stay chosen. */
export function cancelUpload(key: string): void {
  sendings.get(key)?.abort();
}

/** Forgets one that is not under way. */
export function forgetUpload(key: string): void {
  if (!sendings.has(key)) {
    keys.delete(key);
    const rest = new Map(uploads.value);
    rest.delete(key);
    uploads.value = rest;
  }
}

/**
 * Says that a view shows one itself; returns the way to end that. What came of it is told once: it is forgotten where one
 * leaves, and stays where only another view of the same address takes over, as with the first files of a repo.
 */
export function showHere(key: string): () => void {
  const { href } = location;
  shownHere.value = new Set(shownHere.value).add(key);
  return () => {
    const rest = new Set(shownHere.value);
    rest.delete(key);
    shownHere.value = rest;
    if (location.href !== href && uploads.value.get(key)?.state.kind === 'done') {
      forgetUpload(key);
    }
  };
}

function change(key: string, by: Partial<Upload>): void {
  const old = uploads.value.get(key);
  if (old) {
    set(key, { ...old, ...by });
  }
}

function set(key: string, upload: Upload): void {
  uploads.value = new Map(uploads.value).set(key, upload);
}

function askBeforeLeaving(event: BeforeUnloadEvent): void {
  event.preventDefault();
}
