// A button that changes something in the engine: busy while it does, and its failure said beside it.

import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { asApiError } from '../data/api.ts';
import { announce } from '../data/live.ts';
import { Confirm } from './dialog.tsx';

/** A button for `work`; with `ask`, only after a question. */
export function Action({
  children,
  work,
  ask,
  isPrimary = false,
  disabled = false,
}: {
  readonly children: ComponentChildren;
  readonly work: () => Promise<unknown>;
  readonly ask?: { readonly title: string; readonly text: string; readonly action: string };
  readonly isPrimary?: boolean;
  readonly disabled?: boolean;
}): JSX.Element {
  const [failure, setFailure] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const [isAsking, setAsking] = useState(false);
  const run = async () => {
    setBusy(true);
    setFailure(undefined);
    try {
      await work();
      announce();
    } catch (error) {
      setFailure(asApiError(error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <span class="action">
      <button
        type="button"
        class={isPrimary ? 'primary' : undefined}
        disabled={disabled || isBusy}
        aria-busy={isBusy}
        onClick={() => (ask ? setAsking(true) : void run())}
      >
        {children}
      </button>
      {failure !== undefined && (
        <span class="action-failure" role="alert">
          {failure}
        </span>
      )}
      {ask && isAsking && (
        <Confirm
          title={ask.title}
          action={ask.action}
          onYes={() => void run()}
          onClose={() => setAsking(false)}
        >
          <p>{ask.text}</p>
        </Confirm>
      )}
    </span>
  );
}
