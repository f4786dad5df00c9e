// The stored format is written down to the end: what can stand in the log is in docs/format.md, every kind and every table.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { State } from '../../engine/journal/state.ts';
import { checkout } from '../support/cli.ts';

const read = (path: string) => readFileSync(join(checkout, path), 'utf8');
const format = read('docs/format.md');

it('docs/format.md names every kind of operation', () => {
  const kinds = [...read('engine/journal/operations.ts').matchAll(/kind: '([\w.-]+)'/g)];
  assert.ok(kinds.length > 40, `only ${kinds.length} were found`);
  const missing = kinds.map(([, kind]) => `\`${kind}\``).filter((kind) => !format.includes(kind));
  assert.deepEqual(missing, []);
});

it('docs/format.md names every table of the state', () => {
  const tables = [...new State().tables.keys()];
  assert.ok(tables.length > 12, `only ${tables.length} were found`);
  assert.deepEqual(
    tables.map((name) => `\`${name}\``).filter((name) => !format.includes(name)),
    [],
  );
});
