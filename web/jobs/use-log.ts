// A log as it is read: followed while its job goes on, and taken up after its last line where the engine restarts meanwhile.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import type { QueryOf } from '../../engine/server/operations/types.ts';
import type { LogLine } from '../../engine/server/wire.ts';
import { asApiError, engine } from '../data/api.ts';
import { pause } from '../data/live.ts';
import { isPassing } from '../data/use-live.ts';
import { LogTail } from './log-tail.ts';

const SHOW_EVERY_MS = 200;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;

/** What has been read of a log. */
export interface ReadLog {
  readonly shown: readonly LogLine[];
  readonly error: ApiError | undefined;
  /** Whether nothing more will come. */
  readonly isDone: boolean;
}

/** Reads a log, the last `most` lines of it. `isLive`: it goes on. */
export function useLog(
  query: QueryOf<'GET /logs'>,
  options: { readonly text: string; readonly isLive: boolean; readonly most: number },
): ReadLog {
  const { text, isLive, most } = options;
  const [shown, setShown] = useState<readonly LogLine[]>([]);
  const [error, setError] = useState<ApiError>();
  const [isDone, setDone] = useState(false);
  const key = `${JSON.stringify(query)} ${text}`;
  const latest = useRef(isLive);
  latest.current = isLive;
  useEffect(() => {
    const ended = new AbortController();
    const { signal } = ended;
    const tail = new LogTail(most);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      timer = undefined;
      setShown(tail.lines);
    };
    setDone(false);
    setError(undefined);
    const readOn = async () => {
      const asked = {
        ...query,
        text: text || undefined,
        tail: most,
        follow: latest.current,
        since: tail.resume(),
      };
      const onOpen = () => setError(undefined);
      for await (const line of engine.lines('GET /logs', { query: asked, signal, onOpen })) {
        tail.push(line);
        timer ??= setTimeout(show, SHOW_EVERY_MS);
      }
    };
    const readAll = async () => {
      let pauseMs = FIRST_PAUSE_MS;
      for (;;) {
        const before = tail.count;
        try {
          await readOn();
          // A stream ends with its job, or with the engine that a job outlives.
          if (!latest.current) {
            return;
          }
        } catch (failure) {
          const passing = asApiError(failure);
          // That the engine is away is told above every view; what it refuses of a log that is whole stays refused.
          const isAway = passing.status === 0;
          if (signal.aborted || !isPassing(passing) || !(isAway || latest.current)) {
            throw failure;
          }
          if (!isAway) {
            setError(passing);
          }
        }
        pauseMs = tail.count > before ? FIRST_PAUSE_MS : pauseMs;
        await pause(pauseMs);
        if (signal.aborted) {
          return;
        }
        pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs);
      }
    };
    readAll()
      .catch((failure: unknown) => {
        if (!signal.aborted) {
          setError(asApiError(failure));
        }
      })
      .finally(() => {
        if (!signal.aborted) {
          show();
          setDone(true);
        }
      });
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [key]);
  return { shown, error, isDone };
}
