import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import { CommitLanes, type Knot, type LaneRow } from '../../../web/repos/commit-lanes.ts';
import { newSeed } from '../object/pack-rig.ts';

function layOut(knots: readonly Knot[]): LaneRow[] {
  const lanes = new CommitLanes();
  return knots.map((knot) => lanes.next(knot));
}

const knot = (id: string, ...parents: string[]): Knot => ({ id, parents });

it('one line of commits is one lane that begins and ends', () => {
  const [first, second, last] = layOut([knot('c', 'b'), knot('b', 'a'), knot('a')]);
  assert.deepEqual(first, {
    lane: 0,
    line: 0,
    upper: [],
    lower: [{ from: 0, to: 0, line: 0 }],
    width: 1,
  });
  assert.deepEqual(second?.upper, [{ from: 0, to: 0, line: 0 }]);
  assert.deepEqual([last?.lower, last?.upper.length], [[], 1]);
});

it('branches join where they left, and a merge leads to both its parents', () => {
  const rows = layOut([
    knot('m', 'x', 'y'),
    knot('t', 'x'),
    knot('y', 'a'),
    knot('x', 'a'),
    knot('a'),
  ]);
  assert.deepEqual(
    rows.map(({ lane }) => lane),
    [0, 2, 1, 0, 0],
  );
  assert.deepEqual(
    rows[0]?.lower.map(({ to }) => to),
    [0, 1],
  );
  // The lane of t joins that of m, and both of them end at a.
  assert.deepEqual(
    rows[3]?.upper.map(({ from, to }) => [from, to]),
    [
      [0, 0],
      [1, 1],
      [2, 0],
    ],
  );
  assert.deepEqual(
    rows[4]?.upper.map(({ from, to }) => [from, to]),
    [
      [0, 0],
      [1, 0],
    ],
  );
});

it('in every history each line that leaves a row arrives in the next, and leads from each commit to its parents', () => {
  const random = new SeededRandom(newSeed());
  const int = (below: number) => Math.floor(random.fraction() * below);
  for (let round = 0; round < 100; round += 1) {
    const size = 40;
    const knots = Array.from({ length: size }, (_, i) => {
      const older = () => String(Math.min(size - 1, i + 1 + int(6)));
      const parents = i === size - 1 ? [] : int(4) === 0 ? [older(), older()] : [older()];
      return knot(String(i), ...new Set(parents));
    });
    const rows = layOut(knots);
    // Which commit each lane comes from, at the edge below a row.
    let flows = new Map<number, Set<string>>();
    for (const [i, row] of rows.entries()) {
      const arrived = new Set<string>();
      const passing = new Map<number, Set<string>>();
      assert.deepEqual(row.upper.map(({ from }) => from).sort(), [...flows.keys()].sort());
      for (const { from, to } of row.upper) {
        for (const child of flows.get(from) ?? []) {
          if (to === row.lane) {
            arrived.add(child);
          } else {
            passing.set(to, (passing.get(to) ?? new Set()).add(child));
          }
        }
      }
      const children = knots.slice(0, i).filter(({ parents }) => parents.includes(String(i)));
      assert.deepEqual([...arrived].sort(), children.map(({ id }) => id).sort());
      flows = new Map();
      for (const { from, to } of row.lower) {
        const origin = from === row.lane ? new Set([String(i)]) : (passing.get(from) ?? []);
        for (const child of origin) {
          flows.set(to, (flows.get(to) ?? new Set()).add(child));
        }
      }
      assert.ok(row.width > row.lane);
    }
    assert.equal(flows.size, 0);
  }
});
