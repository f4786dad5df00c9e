// What a file is shown as: told by its first bytes, and by its name where those leave it open.

/** How a file is shown. `bytes`: in hex. */
export type FileKind =
  | 'text'
  | 'table'
  | 'json'
  | 'markdown'
  | 'image'
  | 'audio'
  | 'video'
  | 'pdf'
  | 'bytes';

/** What is known of a file's content. */
export interface FileNature {
  readonly kind: FileKind;
  /** Its media type; of text `text/plain`, whatever the text is. */
  readonly type: string;
  /** The encoding, of what is text. */
  readonly encoding: 'utf-8' | 'utf-16le' | 'utf-16be';
}

/** So many of the first bytes are enough to tell. */
export const HEAD_BYTES = 4096;

const TEXT_KINDS: Readonly<Record<string, FileKind>> = {
  csv: 'table',
  tsv: 'table',
  tab: 'table',
  json: 'json',
  geojson: 'json',
  ipynb: 'json',
  jsonl: 'json',
  ndjson: 'json',
  md: 'markdown',
  markdown: 'markdown',
};

/** Beginnings that tell; `at` is where they stand. */
const MARKS: readonly {
  readonly mark: string;
  readonly at?: number;
  readonly also?: string;
  readonly kind: FileKind;
  readonly type: string;
}[] = [
  { mark: '\x89PNG\r\n\x1a\n', kind: 'image', type: 'image/png' },
  { mark: '\xff\xd8\xff', kind: 'image', type: 'image/jpeg' },
  { mark: 'GIF8', kind: 'image', type: 'image/gif' },
  { mark: 'RIFF', also: 'WEBP', kind: 'image', type: 'image/webp' },
  { mark: 'ftypavif', at: 4, kind: 'image', type: 'image/avif' },
  { mark: '\0\0\x01\0', kind: 'image', type: 'image/x-icon' },
  { mark: 'RIFF', also: 'WAVE', kind: 'audio', type: 'audio/wav' },
  { mark: 'ID3', kind: 'audio', type: 'audio/mpeg' },
  { mark: '\xff\xfb', kind: 'audio', type: 'audio/mpeg' },
  { mark: '\xff\xf3', kind: 'audio', type: 'audio/mpeg' },
  { mark: 'OggS', kind: 'audio', type: 'audio/ogg' },
  { mark: 'fLaC', kind: 'audio', type: 'audio/flac' },
  { mark: 'ftypM4A', at: 4, kind: 'audio', type: 'audio/mp4' },
  { mark: 'ftyp', at: 4, kind: 'video', type: 'video/mp4' },
  { mark: '\x1aE\xdf\xa3', kind: 'video', type: 'video/webm' },
  { mark: '%PDF-', kind: 'pdf', type: 'application/pdf' },
];

/** Returns how to show a file of this name that begins with these bytes; `isWhole` where there are no others. */
export function natureOf(name: string, head: Uint8Array, isWhole: boolean): FileNature {
  const begin = Array.from(head.subarray(0, 16), (byte) => String.fromCharCode(byte)).join('');
  const found = MARKS.find(
    ({ mark, at = 0, also }) =>
      begin.startsWith(mark, at) && (also === undefined || begin.startsWith(also, 8)),
  );
  if (found) {
    return { kind: found.kind, type: found.type, encoding: 'utf-8' };
  }
  const extension = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  const encoding = encodingOf(head, isWhole);
  if (encoding === undefined) {
    const isBitmap = extension === 'bmp' && begin.startsWith('BM');
    return isBitmap
      ? { kind: 'image', type: 'image/bmp', encoding: 'utf-8' }
      : { kind: 'bytes', type: 'application/octet-stream', encoding: 'utf-8' };
  }
  if (extension === 'svg') {
    return { kind: 'image', type: 'image/svg+xml', encoding };
  }
  return { kind: TEXT_KINDS[extension] ?? 'text', type: 'text/plain', encoding };
}

/** Returns the encoding of what is text, undefined of what is not. */
function encodingOf(head: Uint8Array, isWhole: boolean): FileNature['encoding'] | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) {
    return 'utf-16le';
  }
  if (head[0] === 0xfe && head[1] === 0xff) {
    return 'utf-16be';
  }
  if (head.includes(0)) {
    return undefined;
  }
  try {
    // A character that is cut at the end of what was read is no fault.
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: !isWhole });
    return 'utf-8';
  } catch {
    return undefined;
  }
}
