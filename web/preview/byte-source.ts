// The bytes of a file of a commit, any part of them.

import type { File } from '../../engine/server/wire.ts';
import { addressOf, open } from '../data/api.ts';
import { bearer } from '../data/session.ts';
import { type FilePlace, filesRoute } from '../repos/places.ts';

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
  const route = filesRoute(place.repo, place.ref, 'content');
  const query = { path: `/${place.path}` };
  return {
    key: `${route} ${place.path} ${file.id}`,
    place,
    size: file.size,
    address: bearer() === undefined ? addressOf(route, query) : undefined,
    read: async (start, end, signal) => {
      const last = Math.min(end, file.size);
      if (start >= last) {
        return new Uint8Array();
      }
      const headers = { range: `bytes=${start}-${last - 1}`, 'if-match': `"${file.id}"` };
      const response = await open('GET', route, { query, headers, signal });
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}
