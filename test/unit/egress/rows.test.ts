import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { type RowFormat, rowsOf, type Value } from '../../../engine/egress/rows.ts';
import { chosenSeed } from '../../support/seed.ts';

async function read(
  format: RowFormat,
  text: string | Buffer,
  columns?: readonly string[],
  step = 1e9,
): Promise<(readonly Value[])[]> {
  const bytes = Buffer.from(text);
  async function* source() {
    for (let at = 0; at < bytes.length; at += step) {
      yield bytes.subarray(at, at + step);
    }
  }
  const rows: (readonly Value[])[] = [];
  for await (const row of rowsOf(source(), { format, name: 't/f', columns })) {
    rows.push(row.values);
  }
  return rows;
}

const CSV: readonly (readonly [string, string, (readonly Value[])[]])[] = [
  [
    'rows',
    'a,b\nc,d\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['a last row without its end', 'a,b', [['a', 'b']]],
  [
    'lines that end as on Windows',
    'a,b\r\n"c",\r\n',
    [
      ['a', 'b'],
      ['c', null],
    ],
  ],
  ['quotes, commas and line ends in quotes', '"a ""x"", y\nz",b\n', [['a "x", y\nz', 'b']]],
  ['nothing, which is null, and empty text', ',"",x\n', [[null, '', 'x']]],
  ['blank lines, which are no rows', '\na\n\n\nb\n\n', [['a'], ['b']]],
  ['names beyond ASCII', 'ünï,😀\n', [['ünï', '😀']]],
];
for (const [what, text, rows] of CSV) {
  it(`CSV with ${what}, in one piece and byte by byte`, async () => {
    assert.deepEqual(await read('CSV', text), rows);
    assert.deepEqual(await read('CSV', text, undefined, 1), rows);
  });
}

it('CSV that is written as RFC 4180 says is read back, whatever it holds and however it is cut', async () => {
  const seed = chosenSeed();
  const random = new SeededRandom(seed);
  const parts = ['a', '"', ',', '\n', '\r\n', 'ü', ' ', ''];
  const pick = <T>(from: readonly T[]) => from[Math.floor(random.fraction() * from.length)] as T;
  for (let round = 0; round < 200; round++) {
    const rows = Array.from({ length: 5 }, () =>
      Array.from({ length: 3 }, () => Array.from({ length: 4 }, () => pick(parts)).join('')),
    );
    const text = rows
      .map((row) => row.map((v) => `"${v.replaceAll('"', '""')}"`).join(','))
      .join('\n');
    assert.deepEqual(await read('CSV', text, undefined, 1 + (round % 7)), rows, `seed ${seed}`);
  }
});

for (const [what, text, rows] of [
  [
    'lines',
    '{"a":1,"b":"x"}\n{"b":null,"a":true}\n',
    [
      ['1', 'x'],
      [true, null],
    ],
  ],
  [
    'a list',
    '[{"a":1,"b":2},\n {"a":3}]',
    [
      ['1', '2'],
      ['3', null],
    ],
  ],
  [
    'values over several lines',
    '{\n "a": {"deep": [1]},\n "b": 2\n}\n{"a":"4"}',
    [
      ['{"deep":[1]}', '2'],
      ['4', null],
    ],
  ],
] as const) {
  it(`JSON in ${what}`, async () => {
    assert.deepEqual(await read('JSON', text, ['a', 'b'], 3), rows);
  });
}

for (const [what, format, text, says] of [
  ['an open quote', 'CSV', 'a\n"b\n', /"\/t\/f": line \d: the file ends within quotes/],
  ['text after a quote', 'CSV', '"a"b\n', /line 1: something follows/],
  ['a number', 'JSON', '5\n', /line 1: it is no object/],
  ['half a value', 'JSON', '{"a":1}\n{"secret', /line 2: the file ends within/],
  ['half a value on many lines', 'JSON', '\n{"a":1}\n{\n"secret":\n2,', /line 3: the file ends/],
  ['what is no JSON', 'JSON', '{"a":1}\n{secret}\n', /line 2: it is no JSON/],
  ['a word', 'JSON', 'secret\n{"a":1}\n', /line 1: it is no JSON/],
  ['an integer that no number holds', 'JSON', '\n{"a":9007199254740993}', /line 2: .* in quotes/],
  ['one deep in a list', 'JSON', '[{"a":["x",-12345678901234567890]}]', /line 1: .* in quotes/],
] as const) {
  it(`${what} in ${format} is refused, with file and line, and without the row`, async () => {
    await assert.rejects(read(format, text), (error: Error) => {
      assert.match(error.message, says);
      assert.ok(!error.message.includes('secret'));
      return true;
    });
  });
}

it('integers that a number holds, and digits in text, are taken as they are', async () => {
  const text = '{"a":9007199254740992,"b":"\\"9007199254740993","c":1.00000000000000001e3}';
  assert.deepEqual(await read('JSON', text), [['9007199254740992', '"9007199254740993', '1000']]);
});

it('fractions are no integers, however many digits they have', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const numbers = Array.from(
    { length: 1000 },
    () => random.fraction() * 10 ** (random.fraction() * 40 - 20),
  );
  const fractions = numbers.filter((one) => !Number.isInteger(one));
  const text = fractions.map((one) => JSON.stringify({ a: one })).join('\n');
  assert.deepEqual(
    await read('JSON', text),
    fractions.map((one) => [String(one)]),
  );
});

for (const format of ['CSV', 'JSON'] as const) {
  it(`${format} that is not UTF-8 is refused, and not changed`, async () => {
    const row = format === 'CSV' ? ['caf', '\n'] : ['{"a":"caf', '"}'];
    const bytes = Buffer.concat([
      Buffer.from(row[0] ?? ''),
      Buffer.from([0xe9]),
      Buffer.from(row[1] ?? ''),
    ]);
    await assert.rejects(read(format, bytes, undefined, 2), /"\/t\/f": it is not UTF-8/);
    const half = Buffer.concat([Buffer.from(row[0] ?? ''), Buffer.from([0xe2, 0x82])]);
    await assert.rejects(read(format, half), /"\/t\/f": it is not UTF-8/);
  });
}

it('a value over many lines costs as much as its length, and no more', async () => {
  const measure = async (rows: number) => {
    const text = `[\n${Array.from({ length: rows }, (_, i) => `{"a":\n{"b":[${i}]}\n}`).join(',\n')}\n]\n`;
    const start = performance.now();
    assert.equal((await read('JSON', text, undefined, 65_536)).length, rows);
    return performance.now() - start;
  };
  await measure(1000);
  const [few, many] = [await measure(2000), await measure(40_000)];
  assert.ok(many < few * 200, `${few} ms for 2,000 rows, ${many} ms for 40,000`);
});
