// What is in a directory, or what of a commit a search finds; and what can be done with it.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { refParams } from '../../client/params.ts';
import type { File } from '../../engine/server/wire.ts';
import { go, place } from '../app/router.ts';
import { engine } from '../data/api.ts';
import { usePages } from '../data/pages.ts';
import { type Column, DataTable, ROW_HEIGHT } from '../parts/data-table.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, Failure, Loading } from '../parts/notice.tsx';
import { countText, numberText, sizeText } from '../parts/numbers.ts';
import { depthOf } from '../parts/visible-range.ts';
import { DirectoryActions } from './directory-actions.tsx';
import { useDirectory } from './directory-pages.ts';
import { OpenCommit } from './open-commit.tsx';
import { GoTo, globFor, PathLinks } from './path-bar.tsx';
import { commandPlace, type FilePlace, filePlace, nameOf, repoText, shownPlace } from './places.ts';
import { RefChoice } from './ref-choice.tsx';
import { isOfRepo, type RepoRefs } from './repo-frame.tsx';
import { UploadPanel } from './upload-panel.tsx';

/** The view of a directory. */
export function DirectoryView({
  refs,
  at,
}: {
  readonly refs: RepoRefs;
  readonly at: FilePlace;
}): JSX.Element {
  const [isUploading, setUploading] = useState(false);
  const glob = place.value.query.get('glob') ?? '';
  const canWrite = !refs.repo.output && refs.branches.some(({ name }) => name === at.ref);
  return (
    <>
      <div class="bar">
        <RefChoice refs={refs} now={at.ref} placeOf={(ref) => filePlace({ ...at, ref })} />
        <PathLinks at={at} />
        <GoTo at={at} glob={glob} />
        <DirectoryActions at={at} onUpload={canWrite ? () => setUploading(true) : undefined} />
      </div>
      <OpenCommit refs={refs} branch={at.ref} />
      {canWrite && <UploadPanel at={at} isOpen={isUploading} onClose={() => setUploading(false)} />}
      {glob === '' ? (
        <Entries at={at} canWrite={canWrite} />
      ) : (
        <Found at={at} glob={globFor(at, glob)} />
      )}
    </>
  );
}

function Entries({
  at,
  canWrite,
}: {
  readonly at: FilePlace;
  readonly canWrite: boolean;
}): JSX.Element {
  const { items, error, reload, onSeen } = useDirectory(at);
  const [start, setStart] = useState('');
  if (error && !items) {
    return <Failure error={error} retry={reload} />;
  }
  if (!items) {
    return <Loading />;
  }
  if (items.length === 0) {
    return (
      <Empty
        title="Nothing is in here yet"
        commands={
          canWrite
            ? [
                {
                  says: 'Put a file',
                  command: `pfs put-file ${commandPlace(at)}data.csv -f data.csv`,
                },
              ]
            : []
        }
      >
        {canWrite && <p>Drop files or folders here, or put them from a terminal:</p>}
      </Empty>
    );
  }
  const jump = async (event: Event) => {
    event.preventDefault();
    const query = { path: `/${at.path}`, from: start, limit: 1 };
    const { offset = 0 } = await engine.call('GET /repos/{project}/{repo}/files/{ref}/list', {
      params: refParams(at.repo, at.ref),
      query,
    });
    scrollToRow(offset, items.length);
  };
  return (
    <>
      {error && <Failure error={error} retry={reload} />}
      {items.length > 500 && (
        <form class="count-line" onSubmit={(event) => void jump(event)}>
          <span class="muted">{countText(items.length, 'entry', 'entries')}</span>
          <input
            aria-label="Scroll to the name that begins with"
            placeholder="Scroll to a name"
            value={start}
            onInput={(event) => setStart(event.currentTarget.value)}
          />
        </form>
      )}
      <DataTable
        label="Files"
        columns={columnsOf(at, (file) => nameOf(file.path))}
        items={items}
        keyOf={(file) => file.path}
        onSeen={onSeen}
      />
    </>
  );
}

/** What is fixed at the top of the window, and some room. */
const TOP = 60;

/** Scrolls the page so that a row of the table is the first in sight. */
function scrollToRow(row: number, count: number): void {
  const body = document.querySelector('table[aria-label=Files] tbody');
  if (body) {
    const list = { count, rowHeight: ROW_HEIGHT, seen: window.innerHeight };
    const top = window.scrollY + body.getBoundingClientRect().top;
    window.scrollTo(0, top - TOP + depthOf(row, list));
  }
}

/** The files and directories that a glob matches. */
function Found({ at, glob }: { readonly at: FilePlace; readonly glob: string }): JSX.Element {
  const { repo, ref } = at;
  const { items, error, more, reload } = usePages<File>(
    `glob ${repoText(repo)}@${ref} ${glob}`,
    (after, signal) =>
      engine.call('GET /repos/{project}/{repo}/files/{ref}/glob', {
        params: refParams(repo, ref),
        query: { pattern: glob, after, limit: 500 },
        signal,
      }),
    isOfRepo(repo),
  );
  if (!items) {
    return error ? <Failure error={error} retry={reload} /> : <Loading />;
  }
  return (
    <>
      <p class="count-line">
        <span class="muted">
          {items.length === 0
            ? 'Nothing matches '
            : `${numberText(items.length)}${more ? ' or more match ' : items.length === 1 ? ' matches ' : ' match '}`}
          <code>{glob}</code>
        </span>
        <button type="button" onClick={() => go(filePlace(at))}>
          Show the directory
        </button>
      </p>
      {error && <Failure error={error} retry={reload} />}
      {items.length > 0 && (
        <DataTable
          label="Files"
          columns={columnsOf(at, (file) => file.path.slice(1).replace(/\/$/, '') || '/')}
          items={items}
          keyOf={(file) => file.path}
          onMore={more}
        />
      )}
    </>
  );
}

function columnsOf(
  { repo, ref }: FilePlace,
  text: (file: File) => string,
): readonly Column<File>[] {
  return [
    {
      title: 'Name',
      cell: (file) => (
        <a class="file-name" href={shownPlace(repo, ref, file.path)}>
          <Icon name={file.type === 'dir' ? 'folder' : 'file'} />
          {text(file)}
          {file.type === 'dir' && '/'}
        </a>
      ),
    },
    {
      title: 'Kind',
      width: '150px',
      from: 'medium',
      cell: (file) => <span class="muted">{kindText(file)}</span>,
    },
    { title: 'Size', width: '100px', isNumber: true, cell: ({ size }) => sizeText(size) },
  ];
}

function kindText({ type, files, executable }: File): string {
  if (type === 'dir') {
    return countText(files, 'file');
  }
  return type === 'link' ? 'link' : executable ? 'executable' : '';
}
