// The bytes of a file, in hex and as characters.

import type { JSX } from 'preact';
import { Failure, Loading } from '../parts/notice.tsx';
import type { ByteSource } from './byte-source.ts';
import { useContent } from './content.ts';
import { hexRow, ROW_BYTES } from './hex-rows.ts';
import { Lines } from './lines.tsx';
import { PartNote } from './part-note.tsx';
import { bytesReader } from './text-reader.ts';

export function HexView({ source }: { readonly source: ByteSource }): JSX.Element {
  const content = useContent(source, () => bytesReader(source.size));
  if (!content) {
    return <Loading />;
  }
  const { bytes } = content.value;
  if (content.error && bytes.length === 0) {
    return <Failure error={content.error} />;
  }
  return (
    <>
      <Lines label="Bytes" count={Math.ceil(bytes.length / ROW_BYTES)} onEnd={content.more}>
        {(row) => {
          const { offset, hex, text } = hexRow(bytes, row);
          return (
            <>
              <span class="muted">{offset}</span>
              {`  ${hex}  `}
              <span class="hex-text">{text}</span>
            </>
          );
        }}
      </Lines>
      <PartNote content={content} size={source.size} />
    </>
  );
}
