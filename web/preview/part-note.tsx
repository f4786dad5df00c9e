// Says how much of a file is shown, where that is not all.

import type { JSX } from 'preact';
import { Failure } from '../parts/notice.tsx';
import { sizeText } from '../parts/numbers.ts';
import type { Content } from './content.ts';

export function PartNote({
  content,
  size,
}: {
  readonly content: Content<unknown>;
  readonly size: number;
}): JSX.Element | null {
  if (content.error) {
    return <Failure error={content.error} />;
  }
  if (content.bytes >= size) {
    return null;
  }
  return (
    <p class="part-note">
      The first {sizeText(content.bytes)} of {sizeText(size)} are shown.{' '}
      {content.more ? (
        <button type="button" onClick={content.more}>
          Show more
        </button>
      ) : (
        'Download the file to see the rest.'
      )}
    </p>
  );
}
