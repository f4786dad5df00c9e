// What differs in one file: lines of text side by side or below each other, pictures beside each other.

import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { ApiError } from '../../client/api-error.ts';
import { refParams } from '../../client/params.ts';
import type { File, FileChange, RepoName } from '../../engine/server/wire.ts';
import { place, setQuery } from '../app/router.ts';
import { asApiError, engine } from '../data/api.ts';
import { useLive } from '../data/use-live.ts';
import { Await, Failure, Loading, Note } from '../parts/notice.tsx';
import { sizeText } from '../parts/numbers.ts';
import { type ByteSource, sourceOf } from '../preview/byte-source.ts';
import type { FileNature } from '../preview/file-kind.ts';
import { MediaView } from '../preview/media-view.tsx';
import { readNature } from '../preview/nature.ts';
import { Changes, sideOf, sizesText } from './changes.tsx';
import { DiffRows, isNarrow } from './diff-rows.tsx';
import { diffLines } from './line-diff.ts';
import { filePlace, repoText } from './places.ts';
import { isOfRepo } from './repo-frame.tsx';

/** Larger texts are not compared here. */
const MAX_BYTES = 2 * 1024 * 1024;

interface Props {
  readonly repo: RepoName;
  readonly old: string | undefined;
  readonly now: string;
  readonly path: string;
}

export function FileDiff({ repo, old, now, path }: Props): JSX.Element {
  const loaded = useLive(
    `diff ${repoText(repo)} ${old} ${now} ${path}`,
    (signal) =>
      engine.call('GET /repos/{project}/{repo}/files/{ref}/diff', {
        params: refParams(repo, now),
        query: { path: `/${path}`, old: sideOf(repo, old, path), limit: 2 },
        signal,
      }),
    isOfRepo(repo),
  );
  return (
    <Await of={loaded}>
      {({ items }) => {
        const [change] = items;
        if (change === undefined) {
          return <p class="muted">It is the same in both.</p>;
        }
        return change.path === `/${path}` ? (
          <One repo={repo} old={old} now={now} path={path} change={change} />
        ) : (
          <Changes repo={repo} old={old} now={now} />
        );
      }}
    </Await>
  );
}

function One({ repo, old, now, path, change }: Props & { readonly change: FileChange }) {
  // The commit before can be named from the one that is compared with it.
  const before = old ?? `${now}^`;
  const side = (file: File | null, ref: string) => file && sourceOf({ repo, ref, path }, file);
  const [a, b] = useMemo(
    () => [side(change.old, before), side(change.new, now)],
    [change.old?.id, change.new?.id, before, now, path],
  );
  return (
    <>
      <p class="count-line">
        <span class="muted">
          {change.kind}, {sizesText(change)}
          {change.old && change.new && change.old.executable !== change.new.executable
            ? `, now ${change.new.executable ? '' : 'not '}executable`
            : ''}
        </span>
        {b && <a href={filePlace(b.place)}>Open the file</a>}
      </p>
      <Contents a={a} b={b} />
    </>
  );
}

interface Read {
  readonly key: string;
  readonly nature?: FileNature;
  readonly texts?: readonly [string, string];
  /** Those of the two, where they differ. */
  readonly encodings?: readonly FileNature['encoding'][];
  readonly error?: ApiError;
}

type Side = ByteSource | null | undefined;

function Contents({ a, b }: { readonly a: Side; readonly b: Side }): JSX.Element {
  const [read, setRead] = useState<Read>();
  const key = `${a?.key} ${b?.key}`;
  useEffect(() => {
    const ended = new AbortController();
    readSides(a, b, ended.signal).then(
      (found) => setRead({ key, ...found }),
      (error) => !ended.signal.aborted && setRead({ key, error: asApiError(error) }),
    );
    return () => ended.abort();
  }, [key]);
  if (read?.key !== key) {
    return <Loading />;
  }
  if (read.error || !read.nature) {
    return <>{read.error && <Failure error={read.error} />}</>;
  }
  if (read.texts) {
    const [before, after] = read.encodings ?? [];
    return (
      <>
        {before && after && (
          <Note tone="quiet">{`The encoding was ${before.toUpperCase()} and is now ${after.toUpperCase()}.`}</Note>
        )}
        <TextDiff texts={read.texts} />
      </>
    );
  }
  if (read.nature.kind === 'image') {
    return (
      <div class="pictures">
        {[a, b].map((side, index) => (
          <section key={index} aria-label={index === 0 ? 'Before' : 'After'}>
            <h2>{index === 0 ? 'Before' : 'After'}</h2>
            {side ? (
              <MediaView source={side} nature={read.nature as FileNature} />
            ) : (
              <p class="muted">It was not there.</p>
            )}
          </section>
        ))}
      </div>
    );
  }
  const sizes = [a, b].map((side) => (side ? sizeText(side.size) : 'nothing')).join(', now ');
  return (
    <Note tone="quiet">
      {Math.max(a?.size ?? 0, b?.size ?? 0) > MAX_BYTES && read.nature.kind !== 'bytes'
        ? 'The files are too large to be compared here'
        : 'The files are not text in UTF-8 or UTF-16'}
      : {sizes}.
    </Note>
  );
}

async function readSides(a: Side, b: Side, signal: AbortSignal): Promise<Omit<Read, 'key'>> {
  const sides = [a, b].filter((side) => side !== null && side !== undefined);
  const natures = await Promise.all(sides.map((side) => readNature(side, signal)));
  const nature = natures.find(({ kind }) => kind === 'bytes') ?? natures[0];
  const isText = natures.every(({ type }) => type === 'text/plain');
  if (!nature || !isText || sides.some(({ size }) => size > MAX_BYTES)) {
    return nature ? { nature } : {};
  }
  const encodings = new Set(natures.map(({ encoding }) => encoding));
  const texts = await Promise.all(
    sides.map(async (side, index) =>
      decoded(await side.read(0, side.size, signal), natures[index]?.encoding),
    ),
  );
  const [first, second] = texts;
  if (first === undefined || (sides.length > 1 && second === undefined)) {
    return { nature: { ...nature, kind: 'bytes' } };
  }
  return {
    nature,
    texts: sides.length > 1 ? [first, second ?? ''] : a ? [first, ''] : ['', first],
    ...(encodings.size > 1 ? { encodings: [...encodings] } : {}),
  };
}

/** Returns bytes as text; undefined where they are none in this encoding. */
function decoded(bytes: Uint8Array, encoding = 'utf-8'): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function TextDiff({ texts: [old, now] }: { readonly texts: readonly [string, string] }) {
  const isUnified = (place.value.query.get('view') ?? (isNarrow() ? 'unified' : '')) === 'unified';
  const rows = useMemo(() => diffLines(old, now), [old, now]);
  if (rows === undefined) {
    return <Note tone="quiet">The files differ in too many lines to be compared here.</Note>;
  }
  if (rows.length === 0) {
    return (
      <p class="muted">The lines are the same: only line ends, the encoding or the mode differ.</p>
    );
  }
  return (
    <>
      <fieldset class="choices">
        <legend class="unseen">Layout</legend>
        <button type="button" aria-pressed={!isUnified} onClick={() => setQuery({ view: 'split' })}>
          Side by side
        </button>
        <button
          type="button"
          aria-pressed={isUnified}
          onClick={() => setQuery({ view: 'unified' })}
        >
          Unified
        </button>
      </fieldset>
      <DiffRows rows={rows} isUnified={isUnified} />
    </>
  );
}
