// Which pages the documentation has on the page, and in which order.

import { readdirSync } from 'node:fs';
import { root } from '../setup/paths.mjs';

/** Groups of the navigation; pages of docs/ that are in none are put at the end. */
const GROUPS = [
  [
    'Learn',
    ['README.md', 'docs/start.md', 'docs/concepts.md', 'docs/cookbook.md', 'docs/coming-from.md'],
  ],
  [
    'Pipelines',
    [
      'docs/pipeline-spec.md',
      'docs/inputs.md',
      'docs/pipelines.md',
      'docs/workers.md',
      'docs/services.md',
      'docs/egress.md',
      'docs/secrets.md',
      'docs/debugging.md',
      'docs/without-docker.md',
    ],
  ],
  [
    'Data',
    ['docs/files-in-and-out.md', 'docs/versions.md', 'docs/git.md', 'docs/s3.md', 'docs/api.md'],
  ],
  [
    'Operations',
    [
      'docs/operations.md',
      'docs/access.md',
      'docs/engine.md',
      'docs/observing.md',
      'docs/losses.md',
    ],
  ],
  ['Inside', ['docs/format.md', 'DESIGN.md', 'CONTRIBUTING.md', 'CHANGELOG.md']],
];

/** Returns `[[name, paths]]`, paths in the checkout; every page of docs/ is in it. */
export function contents() {
  const listed = new Set(GROUPS.flatMap(([, paths]) => paths));
  const more = readdirSync(`${root}/docs`)
    .map((name) => `docs/${name}`)
    .filter((path) => path.endsWith('.md') && !listed.has(path))
    .sort();
  return more.length > 0 ? [...GROUPS, ['More', more]] : GROUPS;
}

/** Returns the address of a page or file of the checkout, below the folder of the site. */
export function addressOf(path) {
  if (path === 'README.md') {
    return 'index.html';
  }
  if (!path.endsWith('.md')) {
    return `files/${path}.html`;
  }
  return `${path
    .replace(/^docs\//, '')
    .replace(/^pipelines\//, 'examples/')
    .replace(/^examples\/README\.md$/, 'examples/index.md')
    .replace(/\/README\.md$/, '.md')
    .replace(/\.md$/, '')
    .toLowerCase()}.html`;
}
