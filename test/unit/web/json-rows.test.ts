import assert from 'node:assert/strict';
import { it } from 'node:test';
import { firstOpen, jsonRows, parseJson } from '../../../web/preview/json-rows.ts';

it('what is open shows what is in it, and nothing else is made', () => {
  const document = { a: [1, 'x', null], 'b/c': { d: true }, e: {} };
  const rows = jsonRows(document, new Set(['$', '$/b~1c']));
  assert.deepEqual(
    rows.map(({ depth, label, kind, text, isOpen }) => [depth, label, kind, text, isOpen]),
    [
      [0, undefined, 'object', '{3}', true],
      [1, 'a', 'array', '[3]', false],
      [1, 'b/c', 'object', '{1}', true],
      [2, 'd', 'boolean', 'true', false],
      [1, 'e', 'object', '{}', false],
    ],
  );
  assert.equal(jsonRows(document, firstOpen(document)).length, 8);
});

it('long lists come in groups', () => {
  const document = Array.from({ length: 2500 }, (_, i) => i);
  const closed = jsonRows(document, new Set(['$']));
  assert.deepEqual(
    closed.map(({ label, count }) => [label, count]),
    [
      [undefined, 2500],
      ['0 … 999', 1000],
      ['1000 … 1999', 1000],
      ['2000 … 2499', 500],
    ],
  );
  const rows = jsonRows(document, new Set(['$', closed[3]?.id ?? '']));
  assert.equal(rows.length, 504);
  assert.deepEqual([rows.at(-1)?.label, rows.at(-1)?.text], ['2499', '2499']);
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
});

it('documents are read whole, or one per line', () => {
  assert.deepEqual(parseJson('a.jsonl', '{"a":1}\n\n2\n'), [{ a: 1 }, 2]);
  assert.throws(() => parseJson('a.json', '{"a":1}\n2'), SyntaxError);
});
