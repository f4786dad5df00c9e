// Who one is to the engine. A token that was typed in lives as long as the tab, where the engine gives no cookie for it.

import { signal } from '@preact/signals';

const KEPT = 'pfs-token';

/** Whether the engine has refused to answer for want of a token. */
export const needsSignIn = signal(false);

/** Resolves as soon as nobody has to sign in; rejects when the signal aborts before. */
export function signedIn(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new DOMException('aborted', 'AbortError'));
    if (signal?.aborted) {
      abort();
      return;
    }
    signal?.addEventListener('abort', abort);
    const end = needsSignIn.subscribe((needed) => {
      if (!needed) {
        resolve();
        signal?.removeEventListener('abort', abort);
        queueMicrotask(() => end());
      }
    });
  });
}

/** Returns the token to send; undefined where a cookie says who one is. */
export function bearer(): string | undefined {
  return sessionStorage.getItem(KEPT) ?? undefined;
}

/** Keeps a token for this tab, or forgets the one there is. */
export function keepToken(token: string | undefined): void {
  if (token === undefined) {
    sessionStorage.removeItem(KEPT);
  } else {
    sessionStorage.setItem(KEPT, token);
  }
}
