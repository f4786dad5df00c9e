// What the browser loads first: the page, and the page again where the network broke off its loading. A machine on which
// containers start and stop changes its network all the time.

const TRIES_KEY = 'pfs-load-tries';
const MAX_TRIES = 4;
const WAIT_MS = 500;

const tries = Number(sessionStorage.getItem(TRIES_KEY) ?? 0) + 1;

import('./main.tsx').then(
  ({ start }) => {
    sessionStorage.removeItem(TRIES_KEY);
    // An error of its own is no matter of the network: it comes again however often one loads.
    return start();
  },
  (error: unknown) => {
    if (tries < MAX_TRIES) {
      sessionStorage.setItem(TRIES_KEY, String(tries));
      setTimeout(() => location.reload(), WAIT_MS * tries);
      return;
    }
    sessionStorage.removeItem(TRIES_KEY);
    document.body.textContent =
      'Cannot load the page: the engine is away, or has been updated; load it again.';
    throw error;
  },
);
