// A file of a commit: what it is, and what is in it.

import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { File } from '../../engine/server/wire.ts';
import { Facts } from '../parts/head.tsx';
import { Note } from '../parts/notice.tsx';
import { sizeText } from '../parts/numbers.ts';
import { sourceOf } from '../preview/byte-source.ts';
import { Preview } from '../preview/preview.tsx';
import { FileActions } from './directory-actions.tsx';
import { PathLinks } from './path-bar.tsx';
import { type FilePlace, filePlace, repoText } from './places.ts';
import { RefChoice } from './ref-choice.tsx';
import type { RepoRefs } from './repo-frame.tsx';

export function FileView({
  refs,
  at,
  file,
}: {
  readonly refs: RepoRefs;
  readonly at: FilePlace;
  readonly file: File;
}): JSX.Element {
  const source = useMemo(
    () => sourceOf(at, file),
    [repoText(at.repo), at.ref, at.path, file.id, file.size],
  );
  return (
    <>
      <div class="bar">
        <RefChoice refs={refs} now={at.ref} placeOf={(ref) => filePlace({ ...at, ref })} />
        <PathLinks at={at} />
        <FileActions refs={refs} at={at} />
      </div>
      <Facts
        facts={[
          ['Size', sizeText(file.size)],
          file.executable && ['Mode', 'executable'],
          ['Content', <span class="mono">{file.id.slice(0, 16)}</span>],
        ]}
      />
      {file.type === 'link' ? (
        <Note tone="quiet">
          It is a symbolic link: a clone or get-file -r gives it back as one.
        </Note>
      ) : (
        <Preview source={source} />
      )}
    </>
  );
}
