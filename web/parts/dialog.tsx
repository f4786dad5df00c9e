// A dialog over the page: the browser's own, which keeps the focus inside, closes on Escape, and gives the focus back.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { needsSignIn } from '../data/session.ts';
import { Icon } from './icon.tsx';

/** A dialog; it is open as long as it is drawn. */
export function Dialog({
  title,
  children,
  onClose,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly onClose: () => void;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // An open one would leave no way to the sign-in: it comes back after that.
  const isHidden = needsSignIn.value;
  useEffect(() => {
    if (isHidden) {
      dialog.current?.close();
    } else {
      dialog.current?.showModal();
    }
  }, [isHidden]);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={() => !needsSignIn.value && onClose()}>
      <header>
        <h2 id={id}>{title}</h2>
        <button
          type="button"
          class="quiet"
          aria-label="Close"
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

/** Asks before something that can't be taken back, or costs much. */
export function Confirm({
  title,
  children,
  action,
  onYes,
  onClose,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
  /** What the button says, as in "Stop". */
  readonly action: string;
  readonly onYes: () => void;
  readonly onClose: () => void;
}): JSX.Element {
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="dialog-text">{children}</div>
      <footer>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="primary"
          onClick={() => {
            onYes();
            onClose();
          }}
        >
          {action}
        </button>
      </footer>
    </Dialog>
  );
}
