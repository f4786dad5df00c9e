// Pictures, sound, films and PDF: what browsers show by themselves.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import { asApiError } from '../data/api.ts';
import { Failure, Loading, Note } from '../parts/notice.tsx';
import { sizeText } from '../parts/numbers.ts';
import { nameOf } from '../repos/places.ts';
import type { ByteSource } from './byte-source.ts';
import type { FileNature } from './file-kind.ts';

/** What has to be held in memory to be shown may be this large. */
const MAX_BYTES = 64 * 1024 * 1024;

export function MediaView({
  source,
  nature,
}: {
  readonly source: ByteSource;
  readonly nature: FileNature;
}): JSX.Element {
  const name = nameOf(source.place.path);
  const isStream = nature.kind === 'audio' || nature.kind === 'video';
  const streamed = isStream ? source.address : undefined;
  const { address, error } = useBlob(source, nature.type, streamed);
  const [isBroken, setBroken] = useState(false);
  useEffect(() => setBroken(false), [source.key]);
  const [size, setSize] = useState<string>();
  if (source.size > MAX_BYTES && streamed === undefined) {
    return <Note tone="quiet">It is too large to be shown here ({sizeText(source.size)}).</Note>;
  }
  if (error) {
    return <Failure error={error} />;
  }
  if (isBroken) {
    return (
      <Note tone="quiet">
        The browser can't show it: it is damaged, or of a kind that the browser does not know.
        Download it to open it elsewhere.
      </Note>
    );
  }
  if (address === undefined) {
    return <Loading />;
  }
  const onError = () => setBroken(true);
  switch (nature.kind) {
    case 'image':
      return (
        <figure class="picture">
          <img
            src={address}
            alt={name}
            onError={onError}
            onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
              setSize(`${naturalWidth} × ${naturalHeight}`)
            }
          />
          {size !== undefined && <figcaption class="hint">{size}</figcaption>}
        </figure>
      );
    case 'audio':
      // biome-ignore lint/a11y/useMediaCaption: there is nothing to take captions from.
      return <audio controls src={address} onError={onError} aria-label={name} />;
    case 'video':
      // biome-ignore lint/a11y/useMediaCaption: there is nothing to take captions from.
      return <video controls src={address} onError={onError} aria-label={name} />;
    default:
      return <iframe class="pdf" src={address} title={name} />;
  }
}

/** Loads a file as a blob that elements can show; not where `streamed` says that they load it themselves. */
export function useBlob(
  source: ByteSource,
  type: string,
  streamed?: string,
): { readonly address: string | undefined; readonly error: ApiError | undefined } {
  const [loaded, setLoaded] = useState<{ key: string; address?: string; error?: ApiError }>();
  const { key, size } = source;
  useEffect(() => {
    if (streamed !== undefined || size > MAX_BYTES) {
      return;
    }
    const ended = new AbortController();
    let address: string | undefined;
    source.read(0, size, ended.signal).then(
      (bytes) => {
        address = URL.createObjectURL(new Blob([bytes], { type }));
        setLoaded({ key, address });
      },
      (error) => !ended.signal.aborted && setLoaded({ key, error: asApiError(error) }),
    );
    return () => {
      ended.abort();
      if (address !== undefined) {
        URL.revokeObjectURL(address);
      }
    };
  }, [key, streamed]);
  const mine = loaded?.key === key ? loaded : undefined;
  return { address: streamed ?? mine?.address, error: mine?.error };
}
