// Saving what the engine sends as a file of the visitor's.

import { addressOf, open, type Query } from './api.ts';
import { bearer } from './session.ts';

/** Saves what is at a route under a name. With a cookie the browser takes it by itself, however large; else it is held in memory. */
export async function saveAs(path: string, query: Query, name: string): Promise<void> {
  if (bearer() === undefined) {
    // A wrong path would be saved as a file that says so: ask first.
    const ended = new AbortController();
    await open('GET', path, { query, signal: ended.signal });
    ended.abort();
    click(addressOf(path, query), name);
    return;
  }
  const response = await open('GET', path, { query });
  const address = URL.createObjectURL(await response.blob());
  click(address, name);
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function click(href: string, name: string): void {
  const link = document.createElement('a');
  link.href = href;
  link.download = name;
  link.click();
}
