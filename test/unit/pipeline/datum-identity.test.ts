import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import type { DatumInput } from '../../../engine/pipeline/datum-identity.ts';
import { makeDatum } from '../../../engine/pipeline/datum-identity.ts';

function input(more: Partial<DatumInput> = {}): DatumInput {
  return {
    name: 'training',
    project: 'default',
    repo: 'training',
    branch: 'master',
    path: '/iris.csv',
    id: 'ce013625030ba8dba906f756967f9e9ca394464a',
    mode: '100644',
    size: 6,
    captures: [],
    emptyFiles: false,
    reference: false,
    ...more,
  };
}

/** The layout of the doc comments, written down a second time. */
function sha256(...parts: (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    if (typeof part === 'string') {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(part));
      hash.update(length);
    }
    hash.update(part);
  }
  return hash.digest('hex');
}

it('has the layout that results are stored under', () => {
  const { id, hash } = makeDatum([input()], 'pepper');
  assert.equal(id, 'd008ed9ebc815132104735e52a35f108a55239bb8ec1f823594186a84c37db6a');
  assert.equal(hash, 'f42af5c0da4335bedcd01890f7d8a80aab42b2d9e5068c4d284ba579d6c5f62b');
});

it('hashes fields behind their lengths in bytes, inputs in order of their names', () => {
  const a = input({ name: 'a', path: '/é/😀' });
  const b = input({ name: 'b', mode: '40000' });
  const { id, hash, inputs } = makeDatum([b, a], 's');
  assert.deepEqual(inputs, [a, b]);
  assert.equal(
    id,
    sha256(
      ...['a', 'default', 'training', 'master', '/é/😀'],
      ...['b', 'default', 'training', 'master', '/iris.csv'],
    ),
  );
  assert.equal(hash, sha256(Buffer.from(id, 'hex'), a.id, '100644', b.id, '40000', 's'));
});

it('leaves the content of inputs by reference out of the hash', () => {
  const datum = makeDatum([input({ reference: true })], 's');
  assert.equal(datum.hash, sha256(Buffer.from(datum.id, 'hex'), '', '', 's'));
});

it('sorts by bytes and not by UTF-16 units', () => {
  const paths = ['/\u{1f600}', '/\uffee', '/a'];
  const { inputs } = makeDatum(
    paths.map((path) => input({ path })),
    's',
  );
  assert.deepEqual(
    inputs.map(({ path }) => path),
    ['/a', '/\uffee', '/\u{1f600}'],
  );
});

it('changes the hash and not the id with content, mode and salt, and nothing with size and captures', () => {
  const base = makeDatum([input()], 's');
  for (const [more, salt] of [
    [{ id: 'f'.repeat(40) }, 's'],
    [{ mode: '100755' }, 's'],
    [{}, 't'],
  ] as const) {
    const other = makeDatum([input(more)], salt);
    assert.equal(other.id, base.id);
    assert.notEqual(other.hash, base.hash);
  }
  const same = makeDatum([input({ size: 7, captures: ['x'], emptyFiles: true })], 's');
  assert.deepEqual([same.id, same.hash], [base.id, base.hash]);
});

it('changes the id with name, project, repo, branch and path, also where they run together', () => {
  const ids = new Set(
    [
      {},
      { name: 'x' },
      { project: 'x' },
      { repo: 'x' },
      { branch: 'x' },
      { path: '/x' },
      { name: 'ab', project: 'c' },
      { name: 'a', project: 'bc' },
    ].map((more) => makeDatum([input(more)], 's').id),
  );
  assert.equal(ids.size, 8);
});
