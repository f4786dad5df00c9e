// A button that copies a text.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

const SHOWN_MS = 1500;

/** Copies `text`; `what` names it to those who do not see it. */
export function CopyButton({
  text,
  what,
}: {
  readonly text: string;
  readonly what: string;
}): JSX.Element {
  const [said, setSaid] = useState('');
  const copy = async () => {
    setSaid((await write(text)) ? 'Copied' : 'Select and copy it by hand');
    setTimeout(() => setSaid(''), SHOWN_MS);
  };
  return (
    <button type="button" class="quiet" aria-label={`Copy ${what}`} onClick={() => void copy()}>
      {said === '' ? <Icon name="copy" /> : <span role="status">{said}</span>}
    </button>
  );
}

/** Browsers refuse the clipboard where the page came over plain HTTP from another machine. */
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
