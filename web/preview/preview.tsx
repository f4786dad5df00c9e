// A file as a person wants to see it. What kind it is tell its first bytes; the view for it is loaded then.

import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import { asApiError } from '../data/api.ts';
import { Failure, Loading } from '../parts/notice.tsx';
import type { ByteSource } from './byte-source.ts';
import type { FileKind, FileNature } from './file-kind.ts';
import { readNature } from './nature.ts';

type View = ComponentType<{ readonly source: ByteSource; readonly nature: FileNature }>;

const media = async () => (await import('./media-view.tsx')).MediaView;

const VIEWS: Readonly<Record<FileKind, () => Promise<View>>> = {
  text: async () => (await import('./text-view.tsx')).TextView,
  table: async () => (await import('./table-view.tsx')).TableView,
  json: async () => (await import('./json-view.tsx')).JsonView,
  markdown: async () => (await import('./markdown-view.tsx')).MarkdownView,
  image: media,
  audio: media,
  video: media,
  pdf: media,
  bytes: async () => (await import('./hex-view.tsx')).HexView,
};

/** Other ways to look at a file of a kind. */
const OTHERS: Readonly<Partial<Record<FileKind, readonly FileKind[]>>> = {
  table: ['text'],
  json: ['text'],
  markdown: ['text'],
};

const TITLES: Readonly<Partial<Record<FileKind, string>>> = {
  text: 'Text',
  table: 'Table',
  json: 'Tree',
  markdown: 'Markdown',
};

export function Preview({ source }: { readonly source: ByteSource }): JSX.Element {
  const { nature, error } = useNature(source);
  const [chosen, setChosen] = useState<FileKind>();
  useEffect(() => setChosen(undefined), [source.place.path]);
  if (error) {
    return <Failure error={error} />;
  }
  if (!nature) {
    return <Loading />;
  }
  if (source.size === 0) {
    return <p class="muted">The file is empty.</p>;
  }
  const kinds = [nature.kind, ...(OTHERS[nature.kind] ?? [])];
  const kind = chosen !== undefined && kinds.includes(chosen) ? chosen : nature.kind;
  return (
    <section class="preview" aria-label="Content">
      {kinds.length > 1 && (
        <fieldset class="choices">
          <legend class="unseen">Show as</legend>
          {kinds.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === kind}
              onClick={() => setChosen(each)}
            >
              {TITLES[each]}
            </button>
          ))}
        </fieldset>
      )}
      <Late key={kind} load={VIEWS[kind]} source={source} nature={nature} />
    </section>
  );
}

/** Tells what a file is; undefined until its first bytes are there. */
function useNature(source: ByteSource): {
  readonly nature: FileNature | undefined;
  readonly error: ApiError | undefined;
} {
  const [known, setKnown] = useState<{ key: string; nature?: FileNature; error?: ApiError }>();
  const { key } = source;
  useEffect(() => {
    const ended = new AbortController();
    readNature(source, ended.signal).then(
      (nature) => setKnown({ key, nature }),
      (error) => !ended.signal.aborted && setKnown({ key, error: asApiError(error) }),
    );
    return () => ended.abort();
  }, [key]);
  const mine = known?.key === key ? known : undefined;
  return { nature: mine?.nature, error: mine?.error };
}

function Late({
  load,
  source,
  nature,
}: {
  readonly load: () => Promise<View>;
  readonly source: ByteSource;
  readonly nature: FileNature;
}): JSX.Element {
  const [view, setView] = useState<{ readonly view: View }>();
  const [error, setError] = useState<ApiError>();
  useEffect(() => {
    load().then(
      (loaded) => setView({ view: loaded }),
      (failure) => setError(asApiError(failure)),
    );
  }, [load]);
  if (error) {
    return <Failure error={error} />;
  }
  return view ? <view.view source={source} nature={nature} /> : <Loading />;
}
