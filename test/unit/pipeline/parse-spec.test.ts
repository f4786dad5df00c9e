import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSpecs } from '../../../engine/pipeline/parse-spec.ts';
import { errorOf, IRIS, parseOne } from './specs.ts';

const values = (text: string, fileName = 'spec.yaml') =>
  parseSpecs(text, { fileName }).map(({ value }) => value);

describe('JSON', () => {
  it('takes trailing commas and comments', () => {
    const text = '// who\n{"a": [1, 2,], /* why */ "b": {"c": null,},} # end\n';
    assert.deepEqual(values(text, 'x.json'), [{ a: [1, 2], b: { c: null } }]);
  });

  it('reads numbers, escapes and literals as JSON does', () => {
    const text = String.raw`{"a": -1.5e2, "b": "\u00e9\n\"\\", "c": true, "d": "😀", "e": "\ud83d\ude00"}`;
    assert.deepEqual(values(text, 'x.json'), [JSON.parse(text)]);
  });

  it('takes documents after one another, with and without separators, and lists of them', () => {
    const expected = [{ a: 1 }, { b: 2 }];
    for (const text of [
      '{"a":1}{"b":2}',
      '{"a":1}\n\n{"b":2}\n',
      '{"a":1}\n---\n{"b":2}',
      '[{"a":1},{"b":2},]',
    ]) {
      assert.deepEqual(values(text, 'x.json'), expected, text);
      assert.deepEqual(values(text, '-'), expected, text);
    }
  });

  it('takes tabs, Windows line ends and a byte order mark', () => {
    assert.deepEqual(values('\ufeff{\r\n\t"a": [\r\n\t\t"b"\r\n\t]\r\n}\r\n', 'x.json'), [
      { a: ['b'] },
    ]);
  });

  it('keeps a field named __proto__ as a field', () => {
    const [value] = values('{"__proto__": {"x": 1}}', 'x.json');
    assert.deepEqual(Object.keys(value as object), ['__proto__']);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
  });

  it('keeps the text of each document as it was written', () => {
    const texts = parseSpecs('{"a": 1,} // one\n\n{ "b": 2 }\n', { fileName: 'x.json' });
    assert.deepEqual(
      texts.map(({ text }) => text),
      ['{"a": 1,}', '{ "b": 2 }'],
    );
  });

  const broken: readonly (readonly [string, string, number, number, RegExp])[] = [
    ['a missing comma', '{\n  "a": 1\n  "b": 2\n}', 2, 9, /put a comma between values/],
    ['a missing colon', '{\n  "a" 1\n}', 2, 7, /expected ":" after the name "a"/],
    ['a missing closing bracket', '{\n  "a": [1,\n  2\n', 2, 8, /"\[" is never closed/],
    ['a missing quote', '{\n  "a": "b,\n  "c": 1\n}', 2, 8, /closing quote/],
    ['a name twice', '{\n  "a": 1,\n  "a": 2\n}', 3, 3, /"a" is here for the second time/],
    [
      'a bare word',
      '{\n  "a": yes\n}',
      2,
      8,
      /expected a value, got "yes"; put text into double quotes/,
    ],
    ['single quotes', "{\n  'a': 1\n}", 2, 3, /expected the name of a field/],
    ['a bad escape', '{\n  "a": "x\\d"\n}', 2, 10, /backslash/],
    ['a tab in a text', '{\n  "a": "x\ty"\n}', 2, 10, /\\t for a tab/],
    ['a bad number', '{"a": 012}', 1, 7, /expected a value/],
    ['a comment without an end', '{} /* x', 1, 4, /comment has no end/],
    ['text that is no JSON', 'hello', 1, 1, /expected a value/],
    ['too deep a nesting', '['.repeat(300), 1, 66, /more than 64 deep/],
  ];
  for (const [name, text, line, column, message] of broken) {
    it(`says where and how to correct ${name}`, () => {
      const error = errorOf(() => parseSpecs(text, { fileName: 'x.json' }));
      assert.match(error.message, message);
      assert.match(error.message, new RegExp(`x\\.json:${line}:${column}:`));
      assert.deepEqual(error.details, { file: 'x.json', line, column, field: 'spec' });
    });
  }

  it('shows the line with a caret below the place', () => {
    const error = errorOf(() => parseSpecs('{\n  "a": yes\n}', { fileName: 'x.json' }));
    const [, shown = '', caret = ''] = error.message.split('\n');
    assert.equal(shown.trim(), '2 |   "a": yes');
    assert.equal(caret.indexOf('^'), shown.indexOf('yes'));
  });
});

describe('YAML', () => {
  it('takes several documents and skips empty ones', () => {
    assert.deepEqual(values('---\na: 1\n---\n---\nb: [x, y,]\n...\n'), [
      { a: 1 },
      { b: ['x', 'y'] },
    ]);
  });

  it('takes flow style without quotes, which begins like JSON', () => {
    assert.deepEqual(values('{pipeline: {name: x}, cmd: [a, b,]}', '-'), [
      { pipeline: { name: 'x' }, cmd: ['a', 'b'] },
    ]);
  });

  it('takes anchors and merges', () => {
    assert.deepEqual(values('a: &x {k: 1}\nb: *x\nc: {<<: *x, l: 2}\n'), [
      { a: { k: 1 }, b: { k: 1 }, c: { k: 1, l: 2 } },
    ]);
  });

  it('keeps the text of each document, comments included, such that it can be read again', () => {
    const text = 'a: 1 # one\n---\n- b:\n    c: 2\n  d: 3\n- e: &x [1]\n  f: *x\n- {g: 4}\n';
    const documents = parseSpecs(text, { fileName: 'x.yaml' });
    assert.equal(documents[0]?.text.trim(), 'a: 1 # one');
    assert.equal(documents.length, 4);
    for (const { text: own, value } of documents) {
      assert.deepEqual(values(own), [value], own);
    }
  });

  const broken: readonly (readonly [string, string, number, RegExp])[] = [
    ['a tab as indentation', 'a:\n\tb: 1\n', 2, /indent with spaces/],
    ['a name twice', 'a: 1\nb: 2\na: 3\n', 3, /second time/],
    ['a list without an end', 'a: 1\nb: [1, 2\nc: 3\n', 3, /./],
    ['an unknown tag', 'a: !secret x\n', 1, /tag/],
    ['an alias without an anchor', 'a: 1\nb: *x\n', 2, /alias/],
  ];
  for (const [name, text, line, message] of broken) {
    it(`says where and how to correct ${name}`, () => {
      const error = errorOf(() => parseSpecs(text, { fileName: 'x.yaml' }));
      assert.match(error.message, message);
      assert.equal(error.details.line, line);
    });
  }

  it('refuses aliases that would blow up', () => {
    let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x]\n';
    for (let i = 1; i < 24; i++) {
      text += `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`;
    }
    const error = errorOf(() => parseSpecs(text, { fileName: 'x.yaml' }));
    assert.match(error.message, /aliases.*with the values written out/);
  });

  it('refuses few aliases that would blow up all the same', () => {
    let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x]\n';
    for (let i = 1; i < 10; i++) {
      text += `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`;
    }
    const error = errorOf(() => parseSpecs(text, { fileName: 'x.yaml' }));
    assert.match(error.message, /aliases cannot be followed/);
  });

  it('refuses a nesting that would overflow the stack', () => {
    for (const nested of [
      '['.repeat(20_000),
      `a: [${'{a: '.repeat(20_000)}`,
      '- '.repeat(20_000),
    ]) {
      const error = errorOf(() => parseSpecs(`# x\n${nested}`, { fileName: 'x.yaml' }));
      assert.match(error.message, /nested more than 64 deep/);
    }
  });
});

for (const text of ['', '  \n', '# nothing\n', '---\n---\n', '[]']) {
  it(`refuses a text without a pipeline: ${JSON.stringify(text)}`, () => {
    const error = errorOf(() => parseSpecs(text, { fileName: 'x.yaml' }));
    assert.match(error.message, /it holds no pipeline/);
  });
}

it('refuses a text that is far too long', () => {
  const error = errorOf(() => parseSpecs(' '.repeat(5_000_000), { fileName: 'x.json' }));
  assert.match(error.message, /longer than/);
});

it('finds the line and column of values and names, in JSON and in YAML', () => {
  const json = parseOne(IRIS, 'iris.json');
  assert.deepEqual(json.position(['transform', 'cmd', 1]), { line: 5, column: 24 });
  assert.deepEqual(json.position(['transform', 'cmd'], { key: true }), { line: 5, column: 5 });
  const yaml = parseOne('a:\n  - b: 1\n    c: &x {d: 2}\n  - *x\n');
  assert.deepEqual(yaml.position(['a', 0, 'c', 'd']), { line: 3, column: 15 });
  assert.deepEqual(yaml.position(['a', 0, 'c'], { key: true }), { line: 3, column: 5 });
  assert.deepEqual(yaml.position(['a', 1, 'd']), { line: 3, column: 15 });
});

it('points at the nearest field above where a path leads to nothing', () => {
  const json = parseOne(IRIS, 'iris.json');
  assert.deepEqual(json.position(['input', 'atom', 'branch']), { line: 7, column: 22 });
  assert.deepEqual(json.position(['nothing', 'here']), { line: 1, column: 1 });
});

it('counts lines through all documents of a file', () => {
  const [, second] = parseSpecs('{"a": 1}\n{\n  "b": 2\n}', { fileName: 'x.json' });
  assert.deepEqual(second?.position(['b']), { line: 3, column: 8 });
});
