// The version of the command line: that of the package it came with.

import { readFileSync } from 'node:fs';

/** Returns the version in the package's own description. */
export function cliVersion(): string {
  // Built files lie one folder deeper, below dist/.
  const up = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const text = readFileSync(new URL(up, import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
