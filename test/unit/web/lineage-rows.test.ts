import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Lineage } from '../../../engine/server/wire-lineage.ts';
import { endsOf, lineageRows } from '../../../web/provenance/lineage-rows.ts';

function node(id: string, next: readonly Lineage[] = [], more: Partial<Lineage> = {}): Lineage {
  const commit = { id, repo: { project: 'default', name: id }, branch: 'master' };
  const base = { path: null, paths: [], repeated: false, datums: [], omitted: 0, next };
  return { ...base, commit: commit as unknown as Lineage['commit'], ...more };
}

const INPUT = { name: 'in', repo: { project: 'default', name: 'in' }, commit: 'c', path: '/f' };
const DATUM = { id: 'd1', job: 'j', version: 1, image: null, inputs: [INPUT] };

it('commits are open at first and datums closed; toggling turns either around', () => {
  const root = node('out', [node('a', [node('b')])], { datums: [DATUM], omitted: 2 });
  const look = (...toggled: string[]) =>
    lineageRows(root, new Set(toggled)).map(({ depth, kind, count, isOpen }) => [
      depth,
      kind,
      count,
      isOpen,
    ]);
  assert.deepEqual(look(), [
    [0, 'commit', 3, true],
    [1, 'datum', 1, false],
    [1, 'more', 0, false],
    [1, 'commit', 1, true],
    [2, 'commit', 0, false],
  ]);
  assert.deepEqual(look('/datum d1', '/0'), [
    [0, 'commit', 3, true],
    [1, 'datum', 1, true],
    [2, 'input', 0, false],
    [1, 'more', 0, false],
    [1, 'commit', 1, false],
  ]);
  assert.deepEqual(look(''), [[0, 'commit', 3, false]]);
});

it('the ends are what nothing comes after, each once', () => {
  const root = node('out', [node('a', [node('s')]), node('s'), node('b', [], { repeated: true })]);
  assert.deepEqual(
    endsOf(root).map(({ commit }) => commit),
    ['s'],
  );
  assert.deepEqual(endsOf(node('alone')), []);
});
