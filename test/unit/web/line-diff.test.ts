import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { type DiffRow, diffLines, type Line } from '../../../web/repos/line-diff.ts';
import { newSeed } from '../object/pack-rig.ts';

const textOf = (line: Line | undefined) =>
  line &&
  `${line.number} ${line.stretches.map(({ text, isChanged }) => (isChanged ? `[${text}]` : text)).join('')}`;
const shown = (rows: readonly DiffRow[] | undefined) =>
  rows?.map((row) =>
    row.kind === 'gap' ? row.lines : [row.kind, textOf(row.old), textOf(row.new)],
  );

it('changed lines stand beside each other, with the words that differ', () => {
  const old = 'a\nb one c\nd\ne\nf\ng\nh\n';
  assert.deepEqual(shown(diffLines(old, 'a\nb two c\nd\ne\nf\ng\nh\ni\n', 1)), [
    ['same', '1 a', '1 a'],
    ['changed', '2 b [one] c', '2 b [two] c'],
    ['same', '3 d', '3 d'],
    3,
    ['same', '7 h', '7 h'],
    ['changed', undefined, '8 i'],
  ]);
  assert.deepEqual(shown(diffLines('', 'x\n')), [['changed', undefined, '1 x']]);
  assert.deepEqual(shown(diffLines('x\n', '')), [['changed', '1 x', undefined]]);
  assert.deepEqual(diffLines('a\n', 'a\n'), []);
});

it('texts that differ in too much are not compared', () => {
  const many = (word: string) => Array.from({ length: 9000 }, (_, i) => `${word} ${i}\n`).join('');
  assert.equal(diffLines(many('a'), many('b')), undefined);
});

it('the rows hold each line of both texts once, in order', () => {
  const random = new SeededRandom(newSeed());
  const int = (below: number) => Math.floor(random.fraction() * below);
  const lines = () => Array.from({ length: int(30) }, () => 'abcd'[int(4)] ?? '');
  const text = (of: readonly string[]) => of.map((line) => `${line}\n`).join('');
  for (let round = 0; round < 200; round += 1) {
    const [old, now] = [lines(), lines()];
    const rows = diffLines(text(old), text(now), 2) ?? [];
    let [a, b] = [0, 0];
    for (const row of rows) {
      if (row.kind === 'gap') {
        assert.deepEqual(old.slice(a, a + row.lines), now.slice(b, b + row.lines));
        a += row.lines;
        b += row.lines;
        continue;
      }
      const read = (line: Line) => line.stretches.map((part) => part.text).join('');
      if (row.old) {
        assert.deepEqual([row.old.number, read(row.old)], [a + 1, old[a]]);
        a += 1;
      }
      if (row.new) {
        assert.deepEqual([row.new.number, read(row.new)], [b + 1, now[b]]);
        b += 1;
      }
    }
    const isSame = text(old) === text(now);
    assert.deepEqual([a, b], isSame ? [0, 0] : [old.length, now.length]);
  }
});
