// How much a browser has to load, at the most: everything that the page has, compressed.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { it } from 'node:test';
import { PAGE_DIRECTORY } from './support/directory.ts';

const MOST_BYTES = 300 * 1024;

it('all of the page is at most 300 KiB, compressed', () => {
  const names = readdirSync(PAGE_DIRECTORY, { recursive: true, encoding: 'utf8' });
  const sizes = names
    .filter((name) => name.endsWith('.br') && !name.startsWith('docs/'))
    .map((name) => statSync(`${PAGE_DIRECTORY}/${name}`).size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(sizes.length > 3, 'the page is built');
  assert.ok(total <= MOST_BYTES, `${total} bytes are more than ${MOST_BYTES}`);
});

/** Addresses that name something and are never asked for. */
const NAMES =
  /^(?:http:\/\/www\.w3\.org\/|http:\/\/commit\/|https:\/\/github\.com\/markedjs\/marked\.)/;

it('the page names nobody else from whom to load anything', () => {
  const names = readdirSync(PAGE_DIRECTORY, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.(?:html|css|js)$/.test(name) && !name.startsWith('docs/'),
  );
  const found = names.flatMap((name) => {
    const text = readFileSync(`${PAGE_DIRECTORY}/${name}`, 'utf8');
    return [...text.matchAll(/\b(?:https?|wss?):\/\/[^"'`)\s]+/g)].map(([address]) => address);
  });
  assert.ok(found.length > 0, 'addresses are found where there are any');
  assert.deepEqual(
    found.filter((address) => !NAMES.test(address)),
    [],
  );
});
