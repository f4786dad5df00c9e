// The entries of a directory of any length, of which those pages are loaded that are looked at.

import { useCallback, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import { refParams } from '../../client/params.ts';
import type { File } from '../../engine/server/wire.ts';
import type { FilePage } from '../../engine/server/wire-files.ts';
import { asApiError, engine } from '../data/api.ts';
import { useLive } from '../data/use-live.ts';
import { type FilePlace, repoText } from './places.ts';
import { isOfRepo } from './repo-frame.tsx';

const PAGE = 200;

export interface DirectoryEntries {
  /** All entries, those that have not come yet undefined; undefined as long as nothing is known. */
  readonly items: readonly (File | undefined)[] | undefined;
  readonly error: ApiError | undefined;
  readonly reload: () => void;
  /** Loads the entries between two places. */
  readonly onSeen: (first: number, end: number) => void;
}

/** Loads a directory, and keeps what is in sight up to date. */
export function useDirectory(at: FilePlace): DirectoryEntries {
  const { repo, ref, path } = at;
  const params = refParams(repo, ref);
  const key = `list ${repoText(repo)}@${ref}:${path}`;
  const load = (offset: number, signal?: AbortSignal) =>
    engine.call('GET /repos/{project}/{repo}/files/{ref}/list', {
      params,
      query: { path: `/${path}`, offset, limit: PAGE },
      signal,
    });
  const first = useLive(key, (signal) => load(0, signal), isOfRepo(repo));
  const [, setVersion] = useState(0);
  const [failure, setFailure] = useState<ApiError>();
  // The entries are kept in one list that is as long as the directory: a copy for each page would cost its length.
  const known = useRef<{ of: FilePage; items: (File | undefined)[]; asked: Set<number> }>(
    undefined,
  );
  const { value } = first;
  if (value && known.current?.of !== value) {
    const items: (File | undefined)[] = new Array(value.total ?? value.items.length);
    items.splice(0, value.items.length, ...value.items);
    known.current = { of: value, items, asked: new Set([0]) };
  }
  const onSeen = useCallback(
    (from: number, end: number) => {
      const mine = known.current;
      for (let page = Math.floor(from / PAGE); mine && page * PAGE < end; page += 1) {
        if (mine.asked.has(page)) {
          continue;
        }
        mine.asked.add(page);
        load(page * PAGE).then(
          ({ items, offset = page * PAGE }) => {
            for (const [index, item] of items.entries()) {
              mine.items[offset + index] = item;
            }
            setVersion((version) => version + 1);
          },
          (error) => {
            mine.asked.delete(page);
            setFailure(asApiError(error));
          },
        );
      }
    },
    [key, value],
  );
  return {
    items: value && known.current?.items,
    error: first.error ?? failure,
    reload: () => {
      setFailure(undefined);
      first.reload();
    },
    onSeen,
  };
}
