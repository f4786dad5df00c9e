import assert from 'node:assert/strict';
import { it } from 'node:test';
import { drawDag, inReadingOrder } from '../../../cli/dag-drawing.ts';

type Graph = Readonly<Record<string, readonly string[]>>;

function nodes(graph: Graph) {
  return Object.entries(graph).map(([key, inputs]) => ({
    key,
    inputs,
    symbol: inputs.length === 0 ? '○' : '●',
  }));
}

function drawing(graph: Graph): string {
  return drawDag(nodes(graph))
    .map(({ rails, key }) => `${rails.padEnd(10)}${key ?? ''}`.trimEnd())
    .join('\n');
}

it('a chain stays on one rail', () => {
  assert.equal(
    drawing({ a: [], b: ['a'], c: ['b'] }),
    ['○         a', '│', '●         b', '│', '●         c'].join('\n'),
  );
});

it('a diamond parts and comes together', () => {
  assert.equal(
    drawing({ data: [], left: ['data'], right: ['data'], joined: ['left', 'right'] }),
    [
      '○         data',
      '│',
      '├─●       left',
      '│ │',
      '● │       right',
      '│ │',
      '●─┘       joined',
    ].join('\n'),
  );
});

it('lines cross rails that they have nothing to do with, and join those that they read', () => {
  assert.equal(
    drawing({ a: [], b: [], c: ['a', 'b'], d: ['a'], e: ['c', 'd', 'b'], f: ['e', 'b'] }),
    [
      '○         b',
      '│',
      '│ ○       a',
      '│ │',
      '├─┼─●     c',
      '│ │ │',
      '│ ● │     d',
      '│ │ │',
      '├─●─┘     e',
      '│ │',
      '●─┘       f',
    ].join('\n'),
  );
  const crossing = drawing({ a: [], b: [], c: [], d: ['a', 'c'], e: ['a', 'b', 'c', 'd'] });
  assert.match(crossing, /├─│─┼─● +d/);
});

it('what is not connected stands apart', () => {
  assert.equal(drawing({ a: [], b: [] }), ['○         a', '', '○         b'].join('\n'));
});

it('every node comes once, after all that it reads, on a line of its own, whatever the graph', () => {
  // A linear congruential generator: the same graphs every time.
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  for (let round = 0; round < 200; round++) {
    const graph: Record<string, string[]> = {};
    const count = 1 + random(25);
    for (let n = 0; n < count; n++) {
      const inputs = Array.from({ length: random(4) }, () => `n${random(Math.max(1, n))}`);
      graph[`n${n}`] = n === 0 ? [] : [...new Set(inputs)];
    }
    const order = inReadingOrder(nodes(graph)).map(({ key }) => key);
    assert.deepEqual([...order].sort(), Object.keys(graph).sort());
    for (const [key, inputs] of Object.entries(graph)) {
      assert.ok(inputs.every((input) => order.indexOf(input) < order.indexOf(key)));
    }
    const lines = drawDag(nodes(graph));
    const drawn = lines.filter(({ key }) => key !== undefined);
    assert.deepEqual(
      drawn.map(({ key }) => key),
      order,
    );
    for (const { rails, key } of drawn) {
      assert.equal(rails.match(/[○●]/g)?.length, 1, `${key}: ${rails}`);
      const joints = rails.match(/[├┤└┘┴┼]/g)?.length ?? 0;
      const inputs = graph[key ?? '']?.length ?? 0;
      assert.ok(joints === inputs || joints === inputs - 1, `${key} reads ${inputs}: ${rails}`);
    }
  }
});
