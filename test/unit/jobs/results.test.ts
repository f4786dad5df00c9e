import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { type DatumResult, decodeResult, encodeResult } from '../../../engine/jobs/datum-result.ts';
import {
  findResult,
  iterateResults,
  mergeResults,
  mergeResultTrees,
} from '../../../engine/jobs/results.ts';
import { MemoryContents } from '../../support/memory-contents.ts';

function result(number: number, more: Partial<DatumResult> = {}): DatumResult {
  return {
    datum: `datum-${number}`,
    hash: createHash('sha256').update(`${number}`).digest('hex'),
    job: '0190a0000000700080000000000000ab',
    state: 'success',
    reason: '',
    exitCode: 0,
    tries: 1,
    inputs: [
      {
        name: 'in',
        project: 'default',
        repo: 'training',
        branch: 'master',
        commit: '0190a0000000700080000000000000aa',
        path: `/ü ${number}`,
        size: 10,
      },
    ],
    output: null,
    stats: { downloadBytes: 1, uploadBytes: 2, downloadMs: 3, processMs: 4, uploadMs: 5 },
    started: 1_700_000_000_000,
    version: 3,
    image: { reference: 'busybox', digest: 'sha256:abc' },
    lastLines: ['one', 'two'],
    ...more,
  };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) {
    found.push(item);
  }
  return found;
}

it('a result is found by its hash with all that it was stored with', async () => {
  const contents = new MemoryContents();
  const output = await contents.commit({ 'model.pkl': 'M' });
  const stored = result(1, { output });
  const tree = await mergeResults(contents, null, [stored, result(2)]);
  assert.deepEqual(await findResult(contents, { tree, hash: stored.hash }), stored);
  assert.deepEqual(await findResult(contents, { tree, hash: result(2).hash }), result(2));
  assert.equal(await findResult(contents, { tree, hash: result(3).hash }), undefined);
  assert.equal(await findResult(contents, { tree: null, hash: stored.hash }), undefined);
});

it('the tree is laid out as documented, with the output as it is', async () => {
  const contents = new MemoryContents();
  const output = await contents.commit({ 'model.pkl': 'M' });
  const stored = result(1, { output });
  const tree = await mergeResults(contents, null, [stored]);
  const paths = Object.keys(await contents.dump(tree));
  const place = `${stored.hash.slice(0, 2)}/${stored.hash}`;
  assert.deepEqual(paths, [`${place}/meta.json`, `${place}/out/model.pkl`]);
});

it('merging replaces what a hash had and touches no other directory', async () => {
  const contents = new MemoryContents();
  const many = Array.from({ length: 2000 }, (_, i) => result(i));
  const base = await mergeResults(contents, null, many);
  contents.treeReads = 0;
  const changed = result(7, { state: 'failed', reason: 'exit code 1', exitCode: 1 });
  const tree = await mergeResults(contents, base, [changed]);
  assert.equal(contents.treeReads, 2);
  assert.deepEqual(await findResult(contents, { tree, hash: changed.hash }), changed);
  const old = new Map((await contents.readTree(base ?? '')).map((entry) => [entry.name, entry.id]));
  const differing = (await contents.readTree(tree ?? '')).filter(
    (entry) => old.get(entry.name) !== entry.id,
  );
  assert.deepEqual(
    differing.map((entry) => entry.name),
    [changed.hash.slice(0, 2)],
  );
  assert.equal((await all(iterateResults(contents, { tree }))).length, 2000);
});

it('merging nothing changes nothing, and the order of merging does not matter', async () => {
  const contents = new MemoryContents();
  const many = Array.from({ length: 300 }, (_, i) => result(i));
  assert.equal(await mergeResults(contents, null, []), null);
  const whole = await mergeResults(contents, null, many);
  assert.equal(await mergeResults(contents, whole, []), whole);
  assert.equal(await mergeResults(contents, whole, many), whole);
  const first = await mergeResults(contents, null, many.slice(200).reverse());
  assert.equal(await mergeResults(contents, first, many.slice(0, 200)), whole);
  const second = await mergeResults(contents, null, many.slice(0, 200));
  assert.equal(await mergeResultTrees(contents, { base: first, from: second }), whole);
  assert.equal(await mergeResultTrees(contents, { base: null, from: first }), first);
  assert.equal(await mergeResultTrees(contents, { base: first, from: null }), first);
});

it('results are listed in the order of their hashes, from any place on', async () => {
  const contents = new MemoryContents();
  const many = Array.from({ length: 500 }, (_, i) => result(i));
  const tree = await mergeResults(contents, null, many);
  const hashes = many.map(({ hash }) => hash).sort();
  assert.deepEqual(
    (await all(iterateResults(contents, { tree }))).map((r) => r.hash),
    hashes,
  );
  const after = hashes[250] ?? '';
  const rest = await all(iterateResults(contents, { tree, after }));
  assert.deepEqual(
    rest.map((r) => r.hash),
    hashes.slice(251),
  );
  assert.deepEqual(await all(iterateResults(contents, { tree: null })), []);
});

it('a damaged or newer record is corrupt, and says so', () => {
  const bytes = encodeResult(result(1));
  assert.deepEqual(decodeResult(bytes, null), result(1));
  const isCorrupt = (error: unknown) => isEngineError(error, 'corrupt');
  assert.throws(() => decodeResult(bytes.subarray(5), null), isCorrupt);
  const newer = Buffer.from(bytes.toString().replace('"format":1', '"format":2'));
  assert.throws(() => decodeResult(newer, null), /its format is 2/);
});
