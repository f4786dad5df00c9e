// Lists that come page by page: more of them is loaded when it is asked for.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import type { Page } from '../../engine/server/wire.ts';
import { asApiError } from './api.ts';
import type { Change } from './live.ts';
import { useLive } from './use-live.ts';

/** What has come of a list so far. */
export interface Paged<T> {
  /** Undefined until the first page has come. */
  readonly items: readonly T[] | undefined;
  readonly error: ApiError | undefined;
  /** Loads the next page; undefined where there is none, or it is under way. */
  readonly more: (() => void) | undefined;
  readonly reload: () => void;
}

interface Rest<T> {
  /** Where the first page ended when the others were loaded. */
  readonly key: string;
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Loads a list; `key` says which. When its first page ends elsewhere than before, all of it begins anew. */
export function usePages<T>(
  key: string,
  load: (after: string | undefined, signal?: AbortSignal) => Promise<Page<T>>,
  concerns?: (change: Change) => boolean,
): Paged<T> {
  const first = useLive(key, (signal) => load(undefined, signal), concerns);
  const restKey = `${key} ${first.value?.next}`;
  const [rest, setRest] = useState<Rest<T>>({ key: '', items: [], next: null });
  const [failure, setFailure] = useState<ApiError>();
  const loading = useRef('');
  const isCurrent = rest.key === restKey;
  const next = isCurrent ? rest.next : (first.value?.next ?? null);
  const latest = useRef(restKey);
  latest.current = restKey;
  useEffect(() => setFailure(undefined), [restKey]);

  const more = useCallback(() => {
    const wanted = `${restKey} ${next}`;
    if (next === null || loading.current === wanted) {
      return;
    }
    loading.current = wanted;
    load(next).then(
      (page) => {
        if (latest.current === restKey) {
          setRest((old) => ({
            key: restKey,
            items: [...(old.key === restKey ? old.items : []), ...page.items],
            next: page.next,
          }));
        }
      },
      (error) => {
        loading.current = '';
        setFailure(asApiError(error));
      },
    );
  }, [restKey, next]);

  return {
    items: first.value && [...first.value.items, ...(isCurrent ? rest.items : [])],
    error: first.error ?? failure,
    more: next === null || failure ? undefined : more,
    reload: () => {
      setFailure(undefined);
      first.reload();
    },
  };
}
