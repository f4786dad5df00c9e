// What type a file has by its name, and whether a browser may be given it to show. Contents are never looked at.

import { lookup } from 'mrmime';

export interface ContentType {
  readonly type: string;
  /** Whether nothing in it can run in a page: what is not known to be so is handed out as a download. */
  readonly isInert: boolean;
}

const BYTES = 'application/octet-stream';
const TEXT = 'text/plain';
/** Sources and lines, which are text to who looks at them; as their own types they could be loaded by pages, or are taken for something else. */
const SOURCES =
  /\.(?:[cm]?jsx?|[cm]?tsx?|css|py|r|sh|sql|go|rs|java|c|h|cc|cpp|hpp|rb|pl|jsonl|ndjson)$/i;
/** Types that a page may run by a `<script>`, whatever the name was. */
const SCRIPT = /(?:java|ecma|j|live)script|text\/css/;
const INERT =
  /^(?:text\/(?:plain|csv|tab-separated-values|markdown|yaml)|image\/(?!svg)|audio\/|video\/|font\/|application\/(?:json|pdf|toml|octet-stream)$)/;

/** Returns the type of a file by its path. Text is UTF-8. */
export function contentTypeOf(path: string): ContentType {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const type = typeOf(name);
  return {
    type: type.startsWith('text/') ? `${type}; charset=utf-8` : type,
    isInert: INERT.test(type),
  };
}

function typeOf(name: string): string {
  if (SOURCES.test(name)) {
    return TEXT;
  }
  if (/\.ipynb$/i.test(name)) {
    return 'application/json';
  }
  // Names of types alone, as in a file "html", say nothing.
  const [, extension = ''] = /\.([a-z0-9]+)$/i.exec(name) ?? [];
  const found: unknown = lookup(`.${extension}`);
  if (typeof found !== 'string') {
    return BYTES;
  }
  return SCRIPT.test(found) ? TEXT : found;
}

/** Returns a Content-Disposition (RFC 6266) with a file name, whatever is in it. */
export function disposition(kind: 'inline' | 'attachment', name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const exact = encodeURIComponent(name).replace(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"${plain === name ? '' : `; filename*=UTF-8''${exact}`}`;
}
