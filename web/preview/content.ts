// The content of a file as far as somebody has looked: the first part at once, the next when its end comes in sight.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import { asApiError } from '../data/api.ts';
import type { ByteSource } from './byte-source.ts';

const FIRST_BYTES = 256 * 1024;
const NEXT_BYTES = 1024 * 1024;
/** More than this is for other programs. */
export const MOST_BYTES = 64 * 1024 * 1024;

/** Makes of bytes, as they come, what is shown; called again with the same value it has been given more. */
export interface ContentReader<T> {
  push(bytes: Uint8Array, isLast: boolean): void;
  readonly value: T;
}

/** What there is of a content. */
export interface Content<T> {
  readonly value: T;
  /** How much of the file it is. */
  readonly bytes: number;
  readonly error: ApiError | undefined;
  /** Loads the next part; undefined where there is none, or all that is shown is there. */
  readonly more: (() => void) | undefined;
}

/** Reads a file with a reader; undefined until its first part is there. */
export function useContent<T>(
  source: ByteSource,
  makeReader: () => ContentReader<T>,
): Content<T> | undefined {
  const [state, setState] = useState<{ key: string; bytes: number; error?: ApiError }>();
  const reading = useRef<{ key: string; reader: ContentReader<T>; at: number; isBusy: boolean }>(
    undefined,
  );
  const { key, size } = source;
  if (reading.current?.key !== key) {
    reading.current = { key, reader: makeReader(), at: 0, isBusy: false };
  }
  const load = useCallback(async () => {
    const mine = reading.current;
    if (!mine || mine.isBusy || mine.key !== key) {
      return;
    }
    mine.isBusy = true;
    try {
      const end = Math.min(size, mine.at + (mine.at === 0 ? FIRST_BYTES : NEXT_BYTES));
      const bytes = await source.read(mine.at, end);
      mine.at = end;
      mine.reader.push(bytes, end === size);
      if (reading.current === mine) {
        setState({ key, bytes: end });
      }
    } catch (error) {
      if (reading.current === mine) {
        setState({ key, bytes: mine.at, error: asApiError(error) });
      }
    } finally {
      mine.isBusy = false;
    }
  }, [key]);
  useEffect(() => void load(), [load]);
  if (state?.key !== key || (state.bytes === 0 && size > 0 && !state.error)) {
    return undefined;
  }
  const isDone = state.bytes >= Math.min(size, MOST_BYTES) || state.error !== undefined;
  return {
    value: reading.current.reader.value,
    bytes: state.bytes,
    error: state.error,
    more: isDone ? undefined : () => void load(),
  };
}
