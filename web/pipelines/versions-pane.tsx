// How a pipeline's spec came to be: its versions, and what differs between any two.

import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Pipeline } from '../../engine/server/wire.ts';
import { place, setQuery } from '../app/router.ts';
import { engine } from '../data/api.ts';
import { useLive } from '../data/use-live.ts';
import { Await, Note } from '../parts/notice.tsx';
import { exactTime } from '../parts/time.tsx';
import { DiffRows, isNarrow } from '../repos/diff-rows.tsx';
import { diffLines } from '../repos/line-diff.ts';
import { canonicalText, writtenText } from './spec-text.tsx';

/** So many of the newest can be chosen from. */
const MOST_VERSIONS = 200;

/** Shows them. */
export function VersionsPane({ pipeline }: { readonly pipeline: Pipeline }): JSX.Element {
  const { query } = place.value;
  const { version: newest } = pipeline;
  const to = Number(query.get('to') ?? newest);
  const from = Number(query.get('from') ?? Math.max(1, to - 1));
  const numbers = Array.from({ length: Math.min(newest, MOST_VERSIONS) }, (_, i) => newest - i);
  const choice = (label: string, value: number, name: 'from' | 'to') => (
    <label>
      <span class="muted">{label} </span>
      <select value={value} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
        {numbers.map((number) => (
          <option key={number} value={number}>
            {`version ${number}`}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <>
      <div class="filters">
        {choice('From', from, 'from')}
        {choice('to', to, 'to')}
      </div>
      <Difference pipeline={pipeline} from={from} to={to} />
    </>
  );
}

function Difference({
  pipeline,
  from,
  to,
}: {
  readonly pipeline: Pipeline;
  readonly from: number;
  readonly to: number;
}): JSX.Element {
  const { project, name } = pipeline;
  const both = useLive(
    `versions ${project}/${name} ${from} ${to}`,
    (signal) =>
      Promise.all(
        [from, to].map((version) =>
          engine.call('GET /pipelines/{project}/{pipeline}', {
            params: { project, pipeline: name },
            query: { version },
            signal,
          }),
        ),
      ),
    () => false,
  );
  return (
    <Await of={both}>
      {([old, now]) => (old && now ? <Compared old={old} now={now} /> : null)}
    </Await>
  );
}

function Compared({ old, now }: { readonly old: Pipeline; readonly now: Pipeline }): JSX.Element {
  const rows = useMemo(() => {
    const areWritten = old.userSpec !== '' && now.userSpec !== '';
    return areWritten
      ? diffLines(writtenText(old), writtenText(now))
      : diffLines(canonicalText(old), canonicalText(now));
  }, [old, now]);
  return (
    <>
      <p class="muted">{`Version ${now.version} was made at ${exactTime(now.updated)}.`}</p>
      {rows === undefined ? (
        <Note>The two differ in too much to be compared.</Note>
      ) : rows.length === 0 ? (
        <p>
          {old.version === now.version ? 'There is nothing to compare.' : 'The two read the same.'}
        </p>
      ) : (
        <DiffRows rows={rows} isUnified={isNarrow()} />
      )}
    </>
  );
}
