// A dialog that asks for something and then does it: it stays open, with the reason, where that fails.

import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { asApiError } from '../data/api.ts';
import { announce } from '../data/live.ts';
import { Dialog } from '../parts/dialog.tsx';

export function FormDialog({
  title,
  action,
  isReady = true,
  work,
  onClose,
  children,
}: {
  readonly title: string;
  /** What the button says. */
  readonly action: string;
  readonly isReady?: boolean;
  readonly work: () => Promise<unknown>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  const onSubmit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFailure(undefined);
    try {
      await work();
      announce();
      onClose();
    } catch (error) {
      setFailure(asApiError(error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="form" onSubmit={(event) => void onSubmit(event)}>
        {children}
        {failure !== undefined && (
          <p class="tone-bad" role="alert">
            {failure}
          </p>
        )}
        <div class="form-end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={!isReady || isBusy} aria-busy={isBusy}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
