// How people name a store on the command line.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Returns the URL of a store: a path of this machine, seen from here, becomes one. */
export function storeUrl(text: string): string {
  return /^[a-z0-9+.-]+:/i.test(text) ? text : pathToFileURL(resolve(text)).href;
}
