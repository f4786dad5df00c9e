import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { parseSchedule } from '../../../engine/base/schedule.ts';

/** Returns the next three times after one, as text. */
function times(text: string, after = '2024-02-28T23:59:30.500Z'): string[] {
  const schedule = parseSchedule(text);
  const found: string[] = [];
  let time: number | undefined = Date.parse(after);
  for (let count = 0; count < 3 && time !== undefined; count++) {
    time = schedule.next(time);
    found.push(time === undefined ? 'never' : new Date(time).toISOString().replace('.000Z', 'Z'));
  }
  return found;
}

describe('a schedule, in UTC', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['* * * * *', ['2024-02-29T00:00:00Z', '2024-02-29T00:01:00Z', '2024-02-29T00:02:00Z']],
    ['*/20 4 * * *', ['2024-02-29T04:00:00Z', '2024-02-29T04:20:00Z', '2024-02-29T04:40:00Z']],
    ['0 0 29 2 *', ['2024-02-29T00:00:00Z', '2028-02-29T00:00:00Z', '2032-02-29T00:00:00Z']],
    ['5 1 * mar Mon-Tue', ['2024-03-04T01:05:00Z', '2024-03-05T01:05:00Z', '2024-03-11T01:05:00Z']],
    ['0 0 1 * 5', ['2024-03-01T00:00:00Z', '2024-03-08T00:00:00Z', '2024-03-15T00:00:00Z']],
    ['0 0 * * 0', ['2024-03-03T00:00:00Z', '2024-03-10T00:00:00Z', '2024-03-17T00:00:00Z']],
    ['0 0 * * 7', ['2024-03-03T00:00:00Z', '2024-03-10T00:00:00Z', '2024-03-17T00:00:00Z']],
    ['@hourly', ['2024-02-29T00:00:00Z', '2024-02-29T01:00:00Z', '2024-02-29T02:00:00Z']],
    ['@daily', ['2024-02-29T00:00:00Z', '2024-03-01T00:00:00Z', '2024-03-02T00:00:00Z']],
    ['@weekly', ['2024-03-03T00:00:00Z', '2024-03-10T00:00:00Z', '2024-03-17T00:00:00Z']],
    ['@monthly', ['2024-03-01T00:00:00Z', '2024-04-01T00:00:00Z', '2024-05-01T00:00:00Z']],
    ['@yearly', ['2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z']],
    ['@never', ['never']],
    [
      '@every 1m30s',
      ['2024-02-29T00:01:00.500Z', '2024-02-29T00:02:30.500Z', '2024-02-29T00:04:00.500Z'],
    ],
  ];
  for (const [text, expected] of cases) {
    it(`${text} comes at its times`, () => assert.deepEqual(times(text), expected));
  }

  it('knows no summer time', () => {
    assert.deepEqual(times('30 2 * * *', '2024-03-31T00:00:00Z'), [
      '2024-03-31T02:30:00Z',
      '2024-04-01T02:30:00Z',
      '2024-04-02T02:30:00Z',
    ]);
  });

  it('never gives the time that it was asked about', () => {
    assert.equal(times('0 0 * * *', '2024-03-01T00:00:00.000Z')[0], '2024-03-02T00:00:00Z');
  });
});

describe('a text that is no schedule is refused with what would be right', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /it has 0 fields; write five fields/],
    ['* * * *', /it has 4 fields/],
    ['0 * * * * *', /it has 6 fields/],
    ['60 * * * *', /60/],
    ['x * * * *', /x/],
    ['@reboot', /there is no such name; .* @hourly/],
    ['@every', /no such name/],
    ['@every soon', /"soon" is no duration/],
    ['@every 10ms', /it is under a second/],
    ['0 0 30 2 *', /its time never comes/],
  ];
  for (const [text, message] of cases) {
    it(JSON.stringify(text), () => {
      assert.throws(
        () => parseSchedule(text),
        (error) => isEngineError(error, 'invalid') && message.test(error.message),
      );
    });
  }
});
