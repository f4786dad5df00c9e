// What can be done with a file or directory of a commit.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { refParams } from '../../client/params.ts';
import { go } from '../app/router.ts';
import { engine } from '../data/api.ts';
import { saveAs } from '../data/save.ts';
import { Action } from '../parts/action.tsx';
import { Icon } from '../parts/icon.tsx';
import { commitPlace, type FilePlace, filePlace, nameOf, provenancePlace } from './places.ts';
import type { RepoRefs } from './repo-frame.tsx';

/** Buttons for a directory. */
export function DirectoryActions({
  at,
  onUpload,
}: {
  readonly at: FilePlace;
  /** Undefined where nothing can be put. */
  readonly onUpload: (() => void) | undefined;
}): JSX.Element {
  return (
    <div class="bar-actions">
      {onUpload && (
        <button type="button" class="primary" onClick={onUpload}>
          <Icon name="up" />
          Upload
        </button>
      )}
      <DownloadChoice at={at} />
      <Ways at={at} />
      {onUpload && at.path !== '' && <DeletePath at={at} />}
    </div>
  );
}

/** A directory as one file. */
function DownloadChoice({ at }: { readonly at: FilePlace }): JSX.Element {
  const [format, setFormat] = useState<'zip' | 'tar'>('zip');
  const name = `${nameOf(at.path) || at.repo.name}.${format}`;
  return (
    <span class="pair">
      <Action
        work={() =>
          saveAs(name, 'GET /repos/{project}/{repo}/files/{ref}', {
            params: refParams(at.repo, at.ref),
            query: { path: `/${at.path}`, format },
          })
        }
      >
        <Icon name="download" />
        Download
      </Action>
      <select
        aria-label="Form of the download"
        value={format}
        onChange={(event) => setFormat(event.currentTarget.value === 'tar' ? 'tar' : 'zip')}
      >
        <option value="zip">zip</option>
        <option value="tar">tar</option>
      </select>
    </span>
  );
}

/** Buttons for a file. */
export function FileActions({
  refs,
  at,
}: {
  readonly refs: RepoRefs;
  readonly at: FilePlace;
}): JSX.Element {
  const canWrite = !refs.repo.output && refs.branches.some(({ name }) => name === at.ref);
  return (
    <div class="bar-actions">
      <Action
        work={() =>
          saveAs(nameOf(at.path), 'GET /repos/{project}/{repo}/files/{ref}/content', {
            params: refParams(at.repo, at.ref),
            query: { path: `/${at.path}` },
          })
        }
      >
        <Icon name="download" />
        Download
      </Action>
      <Ways at={at} />
      {canWrite && <DeletePath at={at} />}
    </div>
  );
}

/** Links to what else there is to know of a path. */
function Ways({ at }: { readonly at: FilePlace }): JSX.Element {
  return (
    <>
      <a class="button" href={filePlace(at, 'history')}>
        History
      </a>
      <a class="button" href={provenancePlace(at)}>
        Provenance
      </a>
    </>
  );
}

function DeletePath({ at }: { readonly at: FilePlace }): JSX.Element {
  const { repo, ref, path } = at;
  const parent = path.split('/').slice(0, -1).join('/');
  const work = async () => {
    const body = { paths: [`/${path}`] };
    const commit = await engine.call('POST /repos/{project}/{repo}/files/{ref}/delete', {
      params: refParams(repo, ref),
      body,
      query: { description: `Delete /${path}` },
    });
    go(
      commit.state === 'open'
        ? filePlace({ repo, ref, path: parent })
        : commitPlace(repo, commit.id),
    );
  };
  return (
    <Action
      work={work}
      ask={{
        title: `Delete ${nameOf(path)}`,
        text: `This makes a commit on ${ref} in which /${path} is gone. The commits before keep it, and you can go back to them.`,
        action: 'Delete',
      }}
    >
      Delete
    </Action>
  );
}
