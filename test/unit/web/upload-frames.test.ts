import assert from 'node:assert/strict';
import { it } from 'node:test';
import { decodeFrames } from '../../../engine/server/frames.ts';
import { framesOf, nameProblem, pathBelow } from '../../../web/repos/upload-frames.ts';

it('the engine reads what the page sends', async () => {
  const files = [
    { path: 'ü/a.txt', blob: new Blob(['one']) },
    { path: 'empty', blob: new Blob([]) },
    { path: 'b', blob: new Blob([new Uint8Array(70_000).fill(7)]) },
  ];
  const body = new Uint8Array(await framesOf(files).arrayBuffer());
  const read: Record<string, number> = {};
  for await (const parts of decodeFrames([body] as unknown as AsyncIterable<Uint8Array>)) {
    for (const { path, data, executable } of parts) {
      assert.equal(executable, false);
      read[path] = (read[path] ?? 0) + data.length;
    }
  }
  assert.deepEqual(read, { 'ü/a.txt': 3, empty: 0, b: 70_000 });
});

it('two files of one path are refused', () => {
  const blob = new Blob([]);
  assert.match(
    nameProblem([
      { path: 'a', blob },
      { path: 'a', blob },
    ]) ?? '',
    /^Cannot put "a"/,
  );
  assert.equal(nameProblem([{ path: 'a', blob }]), undefined);
});

it('paths are joined without doubled slashes', () => {
  assert.equal(pathBelow('/d/', 'e/f'), 'd/e/f');
  assert.equal(pathBelow('/', 'f'), 'f');
});
