// A file as text, with the numbers of its lines.

import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { Failure, Loading } from '../parts/notice.tsx';
import type { ByteSource } from './byte-source.ts';
import { useContent } from './content.ts';
import type { FileNature } from './file-kind.ts';
import { Lines } from './lines.tsx';
import { PartNote } from './part-note.tsx';
import { linesReader } from './text-reader.ts';

/** Longer lines are cut: browsers take very long to draw them. */
const MAX_LINE = 2000;

export function TextView({
  source,
  nature,
}: {
  readonly source: ByteSource;
  readonly nature: FileNature;
}): JSX.Element {
  const content = useContent(source, () => linesReader(nature.encoding));
  const lines = content?.value ?? [];
  const digits = useMemo(() => String(lines.length).length, [lines.length]);
  if (!content) {
    return <Loading />;
  }
  if (content.error && lines.length === 0) {
    return <Failure error={content.error} />;
  }
  return (
    <>
      <Lines label="Text" count={lines.length} onEnd={content.more}>
        {(row) => (
          <>
            <span class="line-number" style={{ width: `${digits + 2}ch` }}>
              {row + 1}
            </span>
            <Cut text={lines[row] ?? ''} />
          </>
        )}
      </Lines>
      <PartNote content={content} size={source.size} />
    </>
  );
}

/** A line, cut where it is very long. */
export function Cut({ text }: { readonly text: string }): JSX.Element {
  const left = text.length - MAX_LINE;
  return left <= 0 ? (
    <span class="line-text">{text}</span>
  ) : (
    <span class="line-text">
      {text.slice(0, MAX_LINE)}
      <span class="muted"> … {left} more characters</span>
    </span>
  );
}
