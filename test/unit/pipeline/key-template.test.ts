import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expandKey, parseKeyTemplate } from '../../../engine/pipeline/key-template.ts';

function expand(text: string, captures: readonly string[]): string {
  const template = parseKeyTemplate(text, { captures: captures.length });
  assert.ok(typeof template !== 'string', String(template));
  return expandKey(template, captures);
}

describe('a key', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['$1', 'one'],
    [`\${1}`, 'one'],
    ['$2-$1', 'two-one'],
    [`\${1}0`, 'one0'],
    ['$1$2', 'onetwo'],
    ['$$', '$'],
    ['$$1', '$1'],
    ['$$$1', '$one'],
    ['all', 'all'],
    ['{1}', '{1}'],
    ['', ''],
  ];
  for (const [text, key] of cases) {
    it(`${JSON.stringify(text)} becomes ${JSON.stringify(key)}`, () => {
      assert.equal(expand(text, ['one', 'two']), key);
    });
  }

  it('reads a number to its end', () => {
    const ten = Array.from({ length: 10 }, (_, index) => `c${index + 1}`);
    assert.equal(expand('$10', ten), 'c10');
  });

  it('takes captures as they are, dollar signs and all', () => {
    assert.equal(expand('$1', ['$2', 'x']), '$2');
  });

  it('is empty text where a group took no part', () => {
    assert.equal(expandKey(['a', 1, 'b'], ['']), 'ab');
  });
});

describe('a key that is wrong says what would be right', () => {
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['$3', 2, /^\$3 names a group that is not there: the glob has 2 groups, \$1 to \$2/],
    [`\${2}`, 1, /^\$\{2\} names .* the glob has one group, \$1/],
    ['$0', 1, /the glob has one group/],
    ['$12', 1, /or \$\{1\}2 for the first digit alone/],
    ['$1', 0, /^\$1 names a group, and the glob has none; put .* into brackets, as in/],
    ['a$', 1, /^"\$" at character 2 is followed by no number; .* or \$\$ for a dollar sign/],
    ['$x', 1, /is followed by no number/],
    [`\${1`, 1, /is followed by no number/],
  ];
  for (const [text, captures, message] of cases) {
    it(`${text} with ${captures} groups`, () => {
      const problem = parseKeyTemplate(text, { captures });
      assert.ok(typeof problem === 'string', 'a problem');
      assert.match(problem, message);
    });
  }
});
