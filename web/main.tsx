// Where the page begins.

import { render } from 'preact';
import { startRouter } from './app/router.ts';
import { Shell } from './app/shell.tsx';
import { askOwner, redeemCode } from './app/sign-in.tsx';
import { startTheme } from './app/theme.ts';
import { startLive } from './data/live.ts';

/** Begins the page. */
export async function start(): Promise<void> {
  startTheme();
  startRouter();
  await redeemCode();
  askOwner();
  // Before any view loads: nothing that changes in between is missed.
  void startLive();
  const root = document.getElementById('page');
  if (root) {
    render(<Shell />, root);
  }
}
