// Many files as one body: file frames (`engine/server/frames.ts`) around files of the browser, which stay on the disk until
// they are sent.

/** A file to be sent, and its path in the commit. */
export interface UploadFile {
  readonly path: string;
  readonly blob: Blob;
}

const HEADER_BYTES = 9;
const END = 0;
const FILE = 1;

/** Returns the frame stream of files. */
export function framesOf(files: readonly UploadFile[]): Blob {
  const parts: (Uint8Array<ArrayBuffer> | Blob)[] = [];
  for (const { path, blob } of files) {
    parts.push(header(FILE, path, blob.size), blob);
  }
  parts.push(header(END, '', files.length));
  return new Blob(parts);
}

function header(kind: number, path: string, size: number): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(path);
  const bytes = new Uint8Array(HEADER_BYTES + name.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setUint16(1, name.length);
  view.setUint16(3, Math.floor(size / 2 ** 32));
  view.setUint32(5, size % 2 ** 32);
  bytes.set(name, HEADER_BYTES);
  return bytes;
}

/** Returns why files can't be sent as they are named; undefined where they can. */
export function nameProblem(files: readonly UploadFile[]): string | undefined {
  const seen = new Set<string>();
  for (const { path } of files) {
    if (seen.has(path)) {
      return `Cannot put "${path}": two of the files would have that path; put them one after the other`;
    }
    seen.add(path);
  }
  return undefined;
}

/** Joins a directory of the commit and a path below it. */
export function pathBelow(directory: string, path: string): string {
  return [...directory.split('/'), ...path.split('/')].filter((part) => part !== '').join('/');
}
