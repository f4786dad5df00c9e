// Lines of a log that is read several times: each is there once, in the order in which they came.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LogLine } from '../../../engine/server/wire.ts';
import { LogTail } from '../../../web/jobs/log-tail.ts';

const START = Date.parse('2024-05-01T10:00:00Z');

function line(message: string, seconds = 0, datum = 'd'): LogLine {
  const time = new Date(START + seconds * 1000).toISOString();
  return { time, project: 'default', pipeline: 'p', job: 'j', datum, message };
}

function tailOf(most: number, ...lines: readonly LogLine[]): LogTail {
  const tail = new LogTail(most);
  for (const one of lines) {
    tail.push(one);
  }
  return tail;
}

const messages = (tail: LogTail) => tail.lines.map(({ message }) => message);

describe('the tail of a log', () => {
  it('is read from its beginning first, and then from some seconds before its newest line', () => {
    assert.equal(new LogTail(5).resume(), undefined);
    const tail = tailOf(5, line('late', 60, 'a'), line('early', 55, 'b'));
    assert.equal(tail.resume(), '2024-05-01T10:00:50.000Z');
  });

  it('takes what a second reading brings once more only once, and equal lines as often as they came', () => {
    const tail = tailOf(9, line('x', 1), line('x', 1), line('y', 2));
    tail.resume();
    for (const one of [line('x', 1), line('x', 1), line('y', 2), line('x', 1), line('z', 3)]) {
      tail.push(one);
    }
    assert.deepEqual(messages(tail), ['x', 'x', 'y', 'x', 'z']);
    assert.equal(tail.count, 5);
  });

  it('takes the same line of another datum, and after another break, for what they are', () => {
    const tail = tailOf(9, line('x', 1));
    tail.resume();
    tail.push(line('x', 1, 'other'));
    tail.resume();
    tail.push(line('x', 1));
    tail.push(line('x', 1, 'other'));
    assert.deepEqual(messages(tail), ['x', 'x']);
  });

  it('keeps so many of the last lines', () => {
    const tail = tailOf(2, line('a'), line('b'), line('c'));
    assert.deepEqual([messages(tail), tail.count], [['b', 'c'], 3]);
  });
});
