// What user code printed, as it comes, and searched by the engine: a log of any length costs the page no more than its end.

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { QueryOf } from '../../engine/server/operations/types.ts';
import type { LogLine } from '../../engine/server/wire.ts';
import { pathOf } from '../app/router.ts';
import { Failure } from '../parts/notice.tsx';
import { countText, shortId } from '../parts/numbers.ts';
import { exactTime } from '../parts/time.tsx';
import { useLog } from './use-log.ts';

/** The last lines, of which there may be millions. */
const MOST_LINES = 5000;
const SEARCH_AFTER_MS = 300;
const ROW_HEIGHT = 24;
const SPARE_ROWS = 30;

/** Shows a log. `isLive`: it goes on. */
export function LogPane({
  query,
  isLive,
}: {
  readonly query: QueryOf<'GET /logs'>;
  readonly isLive: boolean;
}): JSX.Element {
  const [typed, setTyped] = useState('');
  const [text, setText] = useState('');
  const [isFollowing, setFollowing] = useState(true);
  useEffect(() => {
    const timer = setTimeout(() => setText(typed), SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const { shown, error, isDone } = useLog(query, { text, isLive, most: MOST_LINES });
  return (
    <div class="log">
      <div class="filters">
        <input
          type="search"
          aria-label="Search the log"
          placeholder="Search the log"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        {isLive && (
          <label class="check">
            <input
              type="checkbox"
              checked={isFollowing}
              onChange={(event) => setFollowing(event.currentTarget.checked)}
            />
            Keep the end in sight
          </label>
        )}
        <span class="hint" role="status">
          {shown.length === 0 && !isDone
            ? 'Reading…'
            : shown.length >= MOST_LINES
              ? `the last ${countText(shown.length, 'line')}`
              : countText(shown.length, 'line')}
          {isLive && !isDone ? ', more to come' : ''}
        </span>
      </div>
      {error && <Failure error={error} />}
      {shown.length > 0 ? (
        <Lines lines={shown} isAtEnd={isFollowing && isLive} hasDatum={query.datum === undefined} />
      ) : (
        isDone &&
        !error && (
          <p class="muted">{text === '' ? 'Nothing was printed.' : 'No line has that text.'}</p>
        )
      )}
    </div>
  );
}

function Lines({
  lines: all,
  isAtEnd,
  hasDatum,
}: {
  readonly lines: readonly LogLine[];
  readonly isAtEnd: boolean;
  readonly hasDatum: boolean;
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useEffect(() => {
    if (isAtEnd && box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [isAtEnd, all]);
  const height = box.current?.clientHeight ?? 600;
  const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - SPARE_ROWS);
  const end = Math.min(all.length, Math.ceil((top + height) / ROW_HEIGHT) + SPARE_ROWS);
  return (
    <div
      ref={box}
      class="log-lines"
      role="log"
      aria-label="Log"
      aria-live="off"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and keys must be able to do that.
      tabIndex={0}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <div style={{ height: `${all.length * ROW_HEIGHT}px` }}>
        <div style={{ transform: `translateY(${first * ROW_HEIGHT}px)` }}>
          {all.slice(first, end).map((line, index) => (
            <div class="log-line" key={first + index}>
              <time dateTime={line.time} title={exactTime(line.time)}>
                {exactTime(line.time).slice(11)}
              </time>
              {hasDatum && line.datum !== '' && (
                <a
                  href={pathOf('jobs', line.project, line.pipeline, line.job, 'datums', line.datum)}
                  title={line.datum}
                >
                  {shortId(line.datum)}
                </a>
              )}
              <span>{line.message}</span>
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
