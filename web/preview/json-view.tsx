// A JSON document as a tree that opens and closes.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import { asApiError } from '../data/api.ts';
import { Failure, Loading, Note } from '../parts/notice.tsx';
import { Tree } from '../parts/tree.tsx';
import { nameOf } from '../repos/places.ts';
import type { ByteSource } from './byte-source.ts';
import type { FileNature } from './file-kind.ts';
import { firstOpen, type JsonRow, type JsonValue, jsonRows, parseJson } from './json-rows.ts';
import { TextView } from './text-view.tsx';

/** Larger documents are shown as text. */
const MAX_BYTES = 8 * 1024 * 1024;

interface Read {
  readonly key: string;
  readonly document?: JsonValue;
  /** Why it is shown as text. */
  readonly problem?: string;
  readonly error?: ApiError;
}

export function JsonView(props: {
  readonly source: ByteSource;
  readonly nature: FileNature;
}): JSX.Element {
  const { source, nature } = props;
  const [read, setRead] = useState<Read>();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const { key, size } = source;
  useEffect(() => {
    if (size > MAX_BYTES) {
      setRead({ key, problem: 'It is too large to be shown as a tree.' });
      return;
    }
    const ended = new AbortController();
    source.read(0, size, ended.signal).then(
      (bytes) => {
        try {
          const text = new TextDecoder(nature.encoding).decode(bytes);
          const document = parseJson(nameOf(source.place.path), text);
          setOpen(firstOpen(document));
          setRead({ key, document });
        } catch (error) {
          setRead({ key, problem: `It is no whole JSON document: ${(error as Error).message}` });
        }
      },
      (error) => !ended.signal.aborted && setRead({ key, error: asApiError(error) }),
    );
    return () => ended.abort();
  }, [key]);
  if (read?.key !== key) {
    return <Loading />;
  }
  if (read.error) {
    return <Failure error={read.error} />;
  }
  if (read.document === undefined) {
    return (
      <>
        <Note tone="quiet">{read.problem}</Note>
        <TextView {...props} />
      </>
    );
  }
  const toggle = ({ id, isOpen }: JsonRow) => {
    const next = new Set(open);
    if (isOpen) {
      next.delete(id);
    } else {
      next.add(id);
    }
    setOpen(next);
  };
  return (
    <div class="json">
      <Tree label="JSON" rows={jsonRows(read.document, open)} onToggle={toggle}>
        {(row) => (
          <span class="json-row">
            {row.label !== undefined && (
              <span class={row.kind === 'group' ? 'muted' : 'json-key'}>{row.label}</span>
            )}
            {row.text !== '' && <span class={`json-${row.kind}`}>{row.text.slice(0, 1000)}</span>}
          </span>
        )}
      </Tree>
    </div>
  );
}
