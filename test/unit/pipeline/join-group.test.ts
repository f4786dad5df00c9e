import assert from 'node:assert/strict';
import { it } from 'node:test';
import { datums, type Match } from '../../../engine/pipeline/datums.ts';
import type { PfsInput, PipelineInput } from '../../../engine/pipeline/spec.ts';
import { collect, pfs } from './specs.ts';

/** Files as a glob `/(*)-(*)` captures them. */
function matches({ repo }: PfsInput): Match[] {
  return (FILES[repo] ?? []).map((name) => ({
    path: `/${name}`,
    id: Buffer.from(name).toString('hex').padEnd(40, '0').slice(0, 40),
    mode: '100644',
    size: 1,
    captures: name.split('-'),
  }));
}

const FILES: Readonly<Record<string, readonly string[]>> = {
  a: ['1-x', '2-x', '2-y', '3-z'],
  b: ['1-x', '2-y', '4-y'],
  c: ['2-x', '5-x'],
};

const on = (repo: string, more: Partial<PfsInput> = {}) =>
  pfs(repo, { join_on: '$1', group_by: '$1', ...more });

async function shown(input: PipelineInput): Promise<string[]> {
  const list = await collect(datums(input, { matches, salt: 's' }));
  return list.map(({ inputs }) => inputs.map(({ name, path }) => name + path).join(' '));
}

it('a join has the combinations whose keys are equal, and no others', async () => {
  assert.deepEqual(await shown({ join: [on('a'), on('b')] }), [
    'a/1-x b/1-x',
    'a/2-x b/2-y',
    'a/2-y b/2-y',
  ]);
  assert.deepEqual(await shown({ join: [on('a'), on('b'), on('c')] }), [
    'a/2-x b/2-y c/2-x',
    'a/2-y b/2-y c/2-x',
  ]);
});

it('an outer member keeps what has no partner, and of several those with one key stay together', async () => {
  assert.deepEqual(await shown({ join: [on('a', { outer_join: true }), on('b')] }), [
    'a/1-x b/1-x',
    'a/2-x b/2-y',
    'a/2-y b/2-y',
    'a/3-z',
  ]);
  const outer = { outer_join: true };
  assert.deepEqual(await shown({ join: [on('a', outer), on('b'), on('c', outer)] }), [
    'a/1-x',
    'a/2-x b/2-y c/2-x',
    'a/2-y b/2-y c/2-x',
    'a/3-z',
    'c/5-x',
  ]);
  assert.deepEqual(await shown({ join: [on('none'), on('c', outer)] }), ['c/2-x', 'c/5-x']);
});

it('a join around a cross takes only the pairs whose files share one key', async () => {
  const cross = { cross: [on('a'), on('b')] };
  assert.deepEqual(await shown({ join: [cross, on('c')] }), [
    'a/2-x b/2-y c/2-x',
    'a/2-y b/2-y c/2-x',
  ]);
});

it('a group has one datum for each key, with the files of all members', async () => {
  assert.deepEqual(await shown({ group: [on('a'), on('b')] }), [
    'a/1-x b/1-x',
    'a/2-x a/2-y b/2-y',
    'a/3-z',
    'b/4-y',
  ]);
  assert.deepEqual(await shown({ group: [on('a', { group_by: '$2' })] }), [
    'a/1-x a/2-x',
    'a/2-y',
    'a/3-z',
  ]);
});

it('a group around a join sends each joined file to the group of its own key, once', async () => {
  const join = {
    join: [on('a', { group_by: '$2' }), on('b', { group_by: '$2' })],
  };
  assert.deepEqual(await shown({ group: [join] }), ['a/1-x a/2-x b/1-x', 'a/2-y b/2-y']);
});

it('a cross around a group turns whole groups, and a union takes any kind', async () => {
  const group = { group: [on('c')] };
  assert.deepEqual(await shown({ cross: [group, pfs('b')] }), [
    'b/1-x c/2-x',
    'b/2-y c/2-x',
    'b/4-y c/2-x',
    'b/1-x c/5-x',
    'b/2-y c/5-x',
    'b/4-y c/5-x',
  ]);
  assert.deepEqual(await shown({ union: [group, { join: [on('a'), on('c')] }] }), [
    'c/2-x',
    'c/5-x',
    'a/2-x c/2-x',
    'a/2-y c/2-x',
  ]);
});

it('files have the keys of what is around them, and no others', async () => {
  const keys = async (input: PipelineInput) => {
    const [datum] = await collect(datums(input, { matches, salt: 's' }));
    return datum?.inputs.map(({ name, joinOn, groupBy }) => ({ name, joinOn, groupBy }));
  };
  assert.deepEqual(await keys({ join: [on('a'), on('b', { join_on: `\${1}` })] }), [
    { name: 'a', joinOn: '1', groupBy: undefined },
    { name: 'b', joinOn: '1', groupBy: undefined },
  ]);
  assert.deepEqual(await keys({ group: [on('c', { group_by: '$2!' })] }), [
    { name: 'c', joinOn: undefined, groupBy: 'x!' },
    { name: 'c', joinOn: undefined, groupBy: 'x!' },
  ]);
  assert.deepEqual(await keys(on('a')), [{ name: 'a', joinOn: undefined, groupBy: undefined }]);
});

it('the identity of a datum does not tell a join from a cross that found the same files', async () => {
  const [joined] = await collect(datums({ join: [on('c'), on('b')] }, { matches, salt: 's' }));
  const crossed = await collect(datums({ cross: [on('b'), on('c')] }, { matches, salt: 's' }));
  assert.ok(crossed.some(({ hash, id }) => hash === joined?.hash && id === joined.id));
});
