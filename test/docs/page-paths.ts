// Which pages there are: the README, everything in docs/, and those of the examples.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../support/cli.ts';

/** Returns the paths of all pages in the checkout, the README first. */
export function pagePaths(): readonly string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`)
      .sort();
  return ['README.md', ...below('docs'), ...below('pipelines')];
}
