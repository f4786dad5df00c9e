import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import {
  hasHeading,
  numericColumns,
  separatorOf,
  TableParser,
} from '../../../web/preview/table-parser.ts';
import { newSeed } from '../object/pack-rig.ts';

function parse(text: string, separator = ','): string[][] {
  const parser = new TableParser(separator);
  return [...parser.push(text), ...parser.end()];
}

it('rows are read with quotes, empty values and every kind of line end', () => {
  assert.deepEqual(parse('a,b\r\nc,\n,d\re'), [['a', 'b'], ['c', ''], ['', 'd'], ['e']]);
  assert.deepEqual(parse('"a,""b""\n",c\n'), [['a,"b"\n', 'c']]);
  assert.deepEqual(parse('"",""\n'), [['', '']]);
  assert.deepEqual(parse('a"b,c'), [['a"b', 'c']]);
  assert.deepEqual(parse('"a"b,c'), [['ab', 'c']]);
  assert.deepEqual(parse('"never closed\na'), [['never closed\na']]);
  assert.deepEqual(parse('a\tb', '\t'), [['a', 'b']]);
  assert.deepEqual(parse(''), []);
  assert.deepEqual(parse('\n\na'), [[''], [''], ['a']]);
});

it('rows are the same wherever the text is cut', () => {
  const random = new SeededRandom(newSeed());
  const int = (below: number) => Math.floor(random.fraction() * below);
  const signs = ['a', 'é', ',', '"', '""', '\n', '\r\n', '\r', '😀'];
  for (let round = 0; round < 500; round += 1) {
    const text = Array.from({ length: 30 }, () => signs[int(signs.length)]).join('');
    const whole = parse(text);
    const parser = new TableParser(',');
    const rows: string[][] = [];
    for (let at = 0; at < text.length; ) {
      const length = 1 + int(4);
      rows.push(...parser.push(text.slice(at, at + length)));
      at += length;
    }
    assert.deepEqual([...rows, ...parser.end()], whole, JSON.stringify(text));
  }
});

it('what separates values, which columns are numbers and whether there is a heading', () => {
  assert.equal(separatorOf('a.csv', 'a;b;c\n1,5;2;3'), ';');
  assert.equal(separatorOf('a.csv', '"x;y;z;",b'), ',');
  assert.equal(separatorOf('a.tsv', 'a,b'), '\t');
  assert.equal(separatorOf('a.csv', 'one'), ',');
  const rows = [
    ['name', 'n', ''],
    ['x', '1.5', ''],
    ['y', '-2e9', ''],
  ];
  assert.deepEqual(numericColumns(rows.slice(1)), [false, true, false]);
  assert.equal(hasHeading(rows), true);
  assert.equal(hasHeading(rows.slice(1)), false);
  assert.equal(hasHeading(rows.slice(0, 1)), false);
});
