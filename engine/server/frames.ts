// File frames: how many files travel in one HTTP body, with little more than their bytes. An archive format costs a
// padded header block per file and a parser's work on both sides; here a frame is a fixed header, a name and data.
//
// stream  = frame* end
// frame   = kind(u8) pathLength(u16 BE) size(u48 BE) path(UTF-8) data(size bytes)
// kind    = 1 file, 2 executable file, 3 piece: more data follows in the next frame with the same path, 4 executable piece,
//           5 symbolic link, whose data is its target
// end     = 0(u8) 0(u16) count(u48): the number of frames before it. A stream without it was cut off.
//
// A file of unknown length is sent as pieces, closed by a frame of kind 1 or 2 (which may be empty).

import { isUtf8 } from 'node:buffer';
import { EngineError } from '../base/errors.ts';

export const FRAME_HEADER_BYTES = 9;

export const FRAME_END = 0;
export const FRAME_FILE = 1;
export const FRAME_EXECUTABLE = 2;
export const FRAME_PIECE = 3;
export const FRAME_EXECUTABLE_PIECE = 4;
export const FRAME_LINK = 5;
/** The longest target of a link, in bytes. */
const MAX_LINK_BYTES = 4095;

/** Returns the header and path of one frame; `size` bytes of data must follow. */
export function encodeFrameHeader(kind: number, path: string, size: number): Buffer {
  const pathBytes = Buffer.byteLength(path);
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES + pathBytes);
  header[0] = kind;
  header.writeUInt16BE(pathBytes, 1);
  header.writeUIntBE(size, 3, 6);
  header.write(path, FRAME_HEADER_BYTES);
  return header;
}

/** Returns the frame that closes a stream of `count` frames. */
export function encodeFrameEnd(count: number): Buffer {
  return encodeFrameHeader(FRAME_END, '', count);
}

/** A piece of a file as it comes out of a frame stream. */
export interface FramePart {
  readonly path: string;
  readonly executable: boolean;
  readonly data: Buffer;
  /** True for the first and the last part of a file; both for a small file that came whole. */
  readonly first: boolean;
  readonly last: boolean;
  /** The data are the target of a symbolic link; it comes whole. */
  readonly link?: 'symbolic';
}

/**
 * Reads a frame stream in batches of parts, as many as each chunk of the source holds: a promise per chunk, not per
 * file. The data are views into the source's chunks where a file came whole. Rejects with `invalid` when the
 * stream is cut off or malformed.
 */
export async function* decodeFrames(
  source: AsyncIterable<Uint8Array>,
): AsyncIterable<readonly FramePart[]> {
  let rest: Buffer = Buffer.alloc(0);
  let open:
    | {
        path: string;
        executable: boolean;
        left: number;
        more: boolean;
        started: boolean;
        isLink: boolean;
      }
    | undefined;
  let frames = 0;
  let ended = false;
  for await (const chunk of source) {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let buffer = rest.length === 0 ? view : Buffer.concat([rest, view]);
    const parts: FramePart[] = [];
    for (;;) {
      if (open && (open.left > 0 || !open.more)) {
        const take = Math.min(open.left, buffer.length);
        if (open.left > 0 && (take === 0 || (open.isLink && take < open.left))) {
          break;
        }
        const done = take === open.left && !open.more;
        const part = {
          path: open.path,
          executable: open.executable,
          data: buffer.subarray(0, take),
          first: !open.started,
          last: done,
        };
        parts.push(open.isLink ? { ...part, link: 'symbolic' } : part);
        buffer = buffer.subarray(take);
        open.left -= take;
        open.started = true;
        if (done) {
          open = undefined;
        }
        continue;
      }
      if (buffer.length < FRAME_HEADER_BYTES) {
        break;
      }
      const kind = buffer[0];
      const pathBytes = buffer.readUInt16BE(1);
      const size = buffer.readUIntBE(3, 6);
      if (ended || kind === undefined || kind > FRAME_LINK) {
        throw malformed('a frame has an unknown kind');
      }
      if (kind === FRAME_LINK && size > MAX_LINK_BYTES) {
        throw malformed(`the target of a link is longer than ${MAX_LINK_BYTES} bytes`);
      }
      if (kind === FRAME_END) {
        if (size !== frames || open) {
          throw malformed(`${size} frames were sent and ${frames} arrived`);
        }
        ended = true;
        buffer = buffer.subarray(FRAME_HEADER_BYTES);
        continue;
      }
      if (buffer.length < FRAME_HEADER_BYTES + pathBytes) {
        break;
      }
      const path = buffer.toString('utf8', FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + pathBytes);
      // Decoding puts U+FFFD for what is no UTF-8, and two names could become one.
      if (
        path.includes('\ufffd') &&
        !isUtf8(buffer.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + pathBytes))
      ) {
        throw malformed(`the name "${path}" is not UTF-8; rename the file`);
      }
      buffer = buffer.subarray(FRAME_HEADER_BYTES + pathBytes);
      frames += 1;
      if (open && open.path !== path) {
        throw malformed(`the pieces of "${open.path}" are not complete`);
      }
      open = {
        path,
        executable: kind === FRAME_EXECUTABLE || kind === FRAME_EXECUTABLE_PIECE,
        left: size,
        more: kind === FRAME_PIECE || kind === FRAME_EXECUTABLE_PIECE,
        started: open?.started ?? false,
        isLink: kind === FRAME_LINK,
      };
    }
    rest = buffer;
    if (parts.length > 0) {
      yield parts;
    }
  }
  if (!ended || rest.length > 0) {
    throw malformed('the stream ended early');
  }
}

function malformed(why: string): EngineError {
  return new EngineError(
    'invalid',
    `Cannot read the files sent: ${why}; nothing was stored, send them again`,
  );
}

/** A file to be sent: its bytes at hand, or a stream of exactly `size` bytes. */
export interface OutgoingFile {
  readonly path: string;
  readonly executable: boolean;
  readonly size: number;
  readonly data: Buffer | AsyncIterable<Uint8Array>;
  /** The data are the target of a symbolic link. */
  readonly isLink?: boolean;
}

const BATCH_BYTES = 256 * 1024;

/** Encodes files as a frame stream, small ones gathered into buffers of about 256 KiB. */
export async function* encodeFiles(files: AsyncIterable<OutgoingFile>): AsyncGenerator<Buffer> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  let count = 0;
  for await (const { path, executable, size, data, isLink } of files) {
    const kind = isLink ? FRAME_LINK : executable ? FRAME_EXECUTABLE : FRAME_FILE;
    const header = encodeFrameHeader(kind, path, size);
    count += 1;
    batch.push(header);
    bytes += header.length;
    if (Buffer.isBuffer(data)) {
      batch.push(data);
      bytes += data.length;
    } else {
      yield Buffer.concat(batch);
      batch = [];
      bytes = 0;
      for await (const chunk of data) {
        yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      }
    }
    if (bytes >= BATCH_BYTES) {
      yield Buffer.concat(batch);
      batch = [];
      bytes = 0;
    }
  }
  batch.push(encodeFrameEnd(count));
  yield Buffer.concat(batch);
}
