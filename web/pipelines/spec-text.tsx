// A spec to read: as its author wrote it, or with all that was filled in.

import type { JSX } from 'preact';
import type { Pipeline } from '../../engine/server/wire.ts';
import { place, setQuery } from '../app/router.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { Scroller } from '../parts/scroller.tsx';

/** Shows it. */
export function SpecText({ pipeline }: { readonly pipeline: Pipeline }): JSX.Element {
  const isFull = place.value.query.get('form') === 'full';
  const text = isFull ? canonicalText(pipeline) : writtenText(pipeline);
  return (
    <>
      <div class="filters">
        <select
          aria-label="Form of the spec"
          value={isFull ? 'full' : ''}
          onChange={(event) => setQuery({ form: event.currentTarget.value })}
        >
          <option value="">As it was written</option>
          <option value="full">With everything filled in</option>
        </select>
        <CopyButton text={text} what="the spec" />
      </div>
      <Scroller class="text" label="Spec">
        <pre>
          <code>{text}</code>
        </pre>
      </Scroller>
    </>
  );
}

/** Returns the spec as its author wrote it; JSON on a single line, which programs write, on many. */
export function writtenText(pipeline: Pick<Pipeline, 'spec' | 'userSpec'>): string {
  const written = pipeline.userSpec.trim();
  if (written === '') {
    return canonicalText(pipeline);
  }
  if (written.includes('\n') || !written.startsWith('{')) {
    return pipeline.userSpec;
  }
  try {
    return `${JSON.stringify(JSON.parse(written), null, 2)}\n`;
  } catch {
    return pipeline.userSpec;
  }
}

/** Returns the whole spec as text. */
export function canonicalText({ spec }: Pick<Pipeline, 'spec'>): string {
  return `${JSON.stringify(spec, null, 2)}\n`;
}
