import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { LineSplitter, MAX_LINE_BYTES } from '../../../engine/jobs/line-splitter.ts';
import { LineTail } from '../../../engine/jobs/line-tail.ts';
import { chosenSeed } from '../../support/seed.ts';

function split(...chunks: (string | Buffer)[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) {
    splitter.push(Buffer.from(chunk));
  }
  splitter.end();
  return lines;
}

it('lines are whole wherever the chunks are cut', () => {
  assert.deepEqual(split('one\ntw', 'o\n', '\nthr', 'ee'), ['one', 'two', '', 'three']);
  assert.deepEqual(split(''), []);
  assert.deepEqual(split('\n'), ['']);
});

it('a character cut in two by chunks is one character', () => {
  const [a, b] = [Buffer.from('é😀').subarray(0, 3), Buffer.from('é😀').subarray(3)];
  assert.deepEqual(split(a, b), ['é😀']);
});

it('bytes that are not UTF-8 are replaced', () => {
  assert.deepEqual(split(Buffer.from([0x61, 0xff, 0x62, 0x0a])), ['a\ufffdb']);
});

it('of a progress bar only the last state is kept', () => {
  assert.deepEqual(split('10%\r50%\r100%\ndone\n'), ['100%', 'done']);
  assert.deepEqual(split('10%\r', '50%\r', '100%', '\n'), ['100%']);
  assert.deepEqual(split('10%\r50%\r'), ['50%']);
  assert.deepEqual(split('\r10%', '\r50%'), ['50%']);
});

it('lines of other systems end as ours do', () => {
  assert.deepEqual(split('one\r\ntwo\r', '\nthree\r\n'), ['one', 'two', 'three']);
});

it('a long line is cut between characters, with a mark', () => {
  const [line = '', next] = split('é'.repeat(20_000), 'é'.repeat(20_000), '\nnext\n');
  assert.equal(line, `${'é'.repeat(MAX_LINE_BYTES / 2)}… [the rest of this line is cut]`);
  assert.equal(next, 'next');
  const [odd = ''] = split(`x${'é'.repeat(20_000)}`);
  assert.equal(odd.startsWith(`x${'é'.repeat(MAX_LINE_BYTES / 2 - 1)}…`), true);
});

it('a progress bar without an end is not cut, since only its last state counts', () => {
  const states = Array.from({ length: 5000 }, (_, i) => `${i} of 5000\r`);
  assert.deepEqual(split(...states), ['4999 of 5000']);
  assert.deepEqual(split(states.join('')), ['4999 of 5000']);
});

it('how the bytes are cut into chunks changes nothing', () => {
  const seed = chosenSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 300; round++) {
    const text = Array.from(
      { length: 60 },
      () => 'ab\r\n\r\né'[Math.floor(random.fraction() * 7)],
    ).join('');
    const bytes = Buffer.from(text);
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + Math.floor(random.fraction() * 8);
      chunks.push(bytes.subarray(at, end));
      at = end;
    }
    assert.deepEqual(split(...chunks), split(bytes), `${JSON.stringify(text)}, PFS_SEED=${seed}`);
  }
});

it('the tail is the last lines, as many as fit', () => {
  const tail = new LineTail();
  for (let i = 0; i < 100; i++) {
    tail.push(Buffer.from(`line ${i}\n`));
  }
  tail.push(Buffer.from('last'));
  const lines = tail.end();
  assert.equal(lines.length, 20);
  assert.deepEqual([lines[0], lines.at(-1)], ['line 81', 'last']);
  const long = new LineTail();
  long.push(Buffer.from(`${'a'.repeat(3000)}\n${'b'.repeat(3000)}\nend\n`));
  assert.deepEqual(long.end(), ['b'.repeat(3000), 'end']);
  const longer = new LineTail();
  longer.push(Buffer.from(`x\n${'é'.repeat(9000)}`));
  const [only = ''] = longer.end();
  assert.ok(Buffer.byteLength(only) <= 4096 && /^é+…$/.test(only));
});
