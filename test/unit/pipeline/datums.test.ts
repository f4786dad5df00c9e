import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../../engine/base/random.ts';
import type { Datum } from '../../../engine/pipeline/datum-identity.ts';
import { ReplayedRows } from '../../../engine/pipeline/datum-rows.ts';
import type { Match, MatchSource } from '../../../engine/pipeline/datums.ts';
import { datums } from '../../../engine/pipeline/datums.ts';
import type { PfsInput, PipelineInput } from '../../../engine/pipeline/spec.ts';
import { chosenSeed } from '../../support/seed.ts';
import { collect, pfs } from './specs.ts';

function match(path: string): Match {
  return {
    path,
    id: Buffer.from(path).toString('hex').padEnd(40, '0').slice(0, 40),
    mode: '100644',
    size: 1,
    captures: [],
  };
}

const from =
  (files: Record<string, readonly string[]>): MatchSource =>
  ({ repo }) =>
    (files[repo] ?? []).map(match);

async function all(input: PipelineInput, matches: MatchSource): Promise<Datum[]> {
  return await collect(datums(input, { matches, salt: 's' }));
}

const shown = (list: readonly Datum[]) =>
  list.map(({ inputs }) => inputs.map(({ name, path }) => name + path).join(' '));

const files = { a: ['/1', '/2'], b: ['/x', '/y', '/z'], c: ['/c'], none: [] };

it('makes one datum of each match of one input', async () => {
  const [first, ...rest] = await all(pfs('a', { name: 'in', empty_files: true }), from(files));
  assert.equal(rest.length, 1);
  assert.deepEqual(first?.inputs, [
    {
      name: 'in',
      project: 'default',
      repo: 'a',
      branch: 'master',
      ...match('/1'),
      emptyFiles: true,
      reference: false,
    },
  ]);
});

it('takes matches that come one by one', async () => {
  const list = await all(pfs('a'), async function* () {
    yield match('/1');
    yield match('/2');
  });
  assert.deepEqual(shown(list), ['a/1', 'a/2']);
});

it('crosses with the last member turning fastest', async () => {
  assert.deepEqual(shown(await all({ cross: [pfs('b'), pfs('a')] }, from(files))), [
    'a/1 b/x',
    'a/2 b/x',
    'a/1 b/y',
    'a/2 b/y',
    'a/1 b/z',
    'a/2 b/z',
  ]);
});

it('unites members one after the other, names repeated or not', async () => {
  const input = { union: [pfs('a', { name: 'x' }), pfs('none'), pfs('c', { name: 'x' })] };
  assert.deepEqual(shown(await all(input, from(files))), ['x/1', 'x/2', 'x/c']);
});

it('nests crosses and unions in any way', async () => {
  const input = {
    union: [
      { cross: [{ union: [pfs('a'), pfs('c')] }, { cross: [pfs('b'), pfs('c', { name: 'd' })] }] },
      pfs('a'),
    ],
  };
  const list = shown(await all(input, from(files)));
  assert.equal(list.length, (2 + 1) * (3 * 1) + 2);
  assert.equal(list[0], 'a/1 b/x d/c');
  assert.equal(list.at(-1), 'a/2');
});

it('makes no datum of a cross with an empty member, and does not go through the others for it', async () => {
  let read = 0;
  const matches: MatchSource = function* ({ repo }: PfsInput) {
    for (const path of files[repo as keyof typeof files]) {
      read += 1;
      yield match(path);
    }
  };
  assert.deepEqual(await all({ cross: [pfs('b'), pfs('none')] }, matches), []);
  assert.equal(read, 0);
  assert.deepEqual(await all({ cross: [pfs('none'), pfs('b')] }, matches), []);
});

it('stops reading matches when nobody wants more datums', async () => {
  let read = 0;
  const matches: MatchSource = function* () {
    for (;;) {
      read += 1;
      yield match(`/${read}`);
    }
  };
  for await (const _ of datums(pfs('a'), { matches, salt: 's' })) {
    if (read >= 5) {
      break;
    }
  }
  assert.equal(read, 5);
});

it('passes an error of the match source on', async () => {
  const matches: MatchSource = () => {
    throw new Error('disk');
  };
  await assert.rejects(all({ cross: [pfs('a'), pfs('b')] }, matches), /disk/);
});

it('asks again for the rows of a member that is too large to hold', async () => {
  let opened = 0;
  const source = {
    async *rows() {
      opened += 1;
      yield [];
      yield [];
      yield [];
    },
  };
  const large = new ReplayedRows(source, { maxHeld: 2 });
  assert.equal(await large.isEmpty(), false);
  assert.equal(large.held, undefined);
  assert.equal((await collect(large.rows())).length, 3);
  assert.equal(opened, 2);
  const small = new ReplayedRows(source, { maxHeld: 3 });
  assert.equal(await small.isEmpty(), false);
  assert.equal(small.held?.length, 3);
});

it('gives every datum of a random tree once, whatever the order of the members of its crosses', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`PFS_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const below = (limit: number) => Math.floor(random.fraction() * limit);
  for (let round = 0; round < 200; round++) {
    const sizes: Record<string, string[]> = {};
    const tree = (depth: number): { input: PipelineInput; count: number } => {
      const kind = depth === 0 ? 0 : below(3);
      if (kind === 0) {
        const name = `r${Object.keys(sizes).length}`;
        const paths = Array.from({ length: below(4) }, (_, i) => `/${i}`);
        sizes[name] = paths;
        return { input: pfs(name), count: paths.length };
      }
      const members = Array.from({ length: 1 + below(3) }, () => tree(depth - 1));
      const inputs = members.map(({ input }) => input);
      return kind === 1
        ? { input: { cross: inputs }, count: members.reduce((n, { count }) => n * count, 1) }
        : { input: { union: inputs }, count: members.reduce((n, { count }) => n + count, 0) };
    };
    const shuffled = (input: PipelineInput): PipelineInput => {
      if ('cross' in input) {
        const members = input.cross.map(shuffled);
        for (let i = members.length - 1; i > 0; i--) {
          const [moved] = members.splice(below(i + 1), 1);
          members.push(...(moved === undefined ? [] : [moved]));
        }
        return { cross: members };
      }
      return 'union' in input ? { union: input.union.map(shuffled).reverse() } : input;
    };
    const { input, count } = tree(3);
    const identity = (list: Datum[]) => list.map(({ id, hash }) => `${id} ${hash}`).sort();
    const straight = await all(input, from(sizes));
    const mixed = await all(shuffled(input), from(sizes));
    assert.equal(straight.length, count);
    assert.equal(new Set(identity(straight)).size, count);
    assert.deepEqual(identity(mixed), identity(straight));
  }
});
