// What a spec would do: which datums its first job would have, and what of the pipeline would be another.

import type { JSX } from 'preact';
import type { Pipeline } from '../../engine/server/wire.ts';
import type { PipelinePreview } from '../../engine/server/wire-previews.ts';
import { Note } from '../parts/notice.tsx';
import { countText, numberText } from '../parts/numbers.ts';
import { State } from '../parts/state.tsx';
import { DiffRows } from '../repos/diff-rows.tsx';
import { diffLines } from '../repos/line-diff.ts';
import { canonicalText } from './spec-text.tsx';

/** Shows it. `old`: the pipeline that is edited. */
export function PreviewPane({
  previews,
  old,
}: {
  readonly previews: readonly PipelinePreview[];
  readonly old: Pipeline | undefined;
}): JSX.Element {
  return (
    <section class="dry-run" aria-label="What it would do">
      {previews.map((preview) => (
        <OnePreview key={`${preview.project}/${preview.name}`} preview={preview} old={old} />
      ))}
    </section>
  );
}

function OnePreview({
  preview,
  old,
}: {
  readonly preview: PipelinePreview;
  readonly old: Pipeline | undefined;
}): JSX.Element {
  const { name, version, created, datums, first, notes } = preview;
  const rows =
    old?.name === name && old.project === preview.project
      ? diffLines(canonicalText(old), canonicalText(preview), 1)
      : undefined;
  return (
    <>
      <h2>{created ? `${name} would be made` : `${name} would get version ${version}`}</h2>
      <p>
        {datums.total === 0
          ? 'Its first job would have no datums: nothing in the inputs fits.'
          : `Its first job would have ${countText(datums.total, 'datum')}${
              datums.skipped > 0 ? `, of which ${numberText(datums.skipped)} are done already` : ''
            }.`}
      </p>
      {notes.map((note) => (
        <Note key={note}>{note}</Note>
      ))}
      {first.length > 0 && (
        <ul class="plain datums">
          {first.map((datum) => (
            <li key={datum.id}>
              <State state={datum.state} />
              <span class="mono">
                {datum.inputs.map((input) => `${input.name}:${input.path}`).join('  ')}
              </span>
            </li>
          ))}
          {datums.total > first.length && (
            <li class="muted">{`and ${numberText(datums.total - first.length)} more`}</li>
          )}
        </ul>
      )}
      {rows && rows.length > 0 && (
        <>
          <h2>What would change</h2>
          <DiffRows rows={rows} isUnified />
        </>
      )}
    </>
  );
}
