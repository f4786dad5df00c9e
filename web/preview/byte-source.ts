// The bytes of a file of a commit, any part of them.

import { addressOf } from '../../client/address.ts';
import { refParams } from '../../client/params.ts';
import type { File } from '../../engine/server/wire.ts';
import { engine } from '../data/api.ts';
import { bearer } from '../data/session.ts';
import type { FilePlace } from '../repos/places.ts';

const CONTENT = 'GET /repos/{project}/{repo}/files/{ref}/content';

export interface ByteSource {
  /** Names the content: another one is another file. */
  readonly key: string;
  readonly place: FilePlace;
  readonly size: number;
  /** Where a browser loads it by itself; undefined where it could not, for want of a cookie. */
  readonly address: string | undefined;
  read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

/** Returns the content of a file; reading fails once there is another one in its place. */
export function sourceOf(place: FilePlace, file: Pick<File, 'id' | 'size'>): ByteSource {
  const asked = {
    params: refParams(place.repo, place.ref),
    query: { path: `/${place.path}` },
  };
  const address = addressOf(CONTENT, asked);
  return {
    key: `${address} ${file.id}`,
    place,
    size: file.size,
    address: bearer() === undefined ? address : undefined,
    read: async (start, end, signal) => {
      const last = Math.min(end, file.size);
      if (start >= last) {
        return new Uint8Array();
      }
      const headers = { range: `bytes=${start}-${last - 1}`, 'if-match': `"${file.id}"` };
      const { bytes } = await engine.open(CONTENT, { ...asked, headers, signal });
      return await joined(bytes, last - start);
    },
  };
}

async function joined(
  bytes: AsyncIterable<Uint8Array>,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(size);
  let at = 0;
  for await (const chunk of bytes) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole.subarray(0, at);
}
