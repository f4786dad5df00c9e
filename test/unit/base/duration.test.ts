import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseDuration } from '../../../engine/base/duration.ts';

const right: readonly (readonly [string, number])[] = [
  ['300ms', 300],
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['2m0.5s', 120_500],
  ['.5s', 500],
  ['1d', 86_400_000],
  ['250us', 0.25],
  ['1µs', 0.001],
  ['0s', 0],
  ['0', 0],
];
for (const [text, ms] of right) {
  it(`parseDuration() reads "${text}" as ${ms} ms`, () => assert.equal(parseDuration(text), ms));
}
for (const text of [
  '',
  '5',
  '-1s',
  '1 s',
  's',
  '1x',
  '1h 30m',
  '1h30',
  '1..5s',
  'Infinitys',
  '1e3s',
]) {
  it(`parseDuration() refuses "${text}"`, () => assert.equal(parseDuration(text), undefined));
}

it('parseDuration() is done in no time with a long text that is no duration', () => {
  assert.equal(parseDuration(`${'1m'.repeat(50_000)}x`), undefined);
  assert.equal(parseDuration('9'.repeat(100_000)), undefined);
});
