import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SeededRandom } from '../../engine/base/random.ts';
import { FrameReader } from '../../engine/executor/frame-reader.ts';
import { MarkerScanner } from '../../engine/executor/marker-scanner.ts';
import { chosenSeed } from '../support/seed.ts';

const NONCE = 'abababababababababababac';

function scanAll(chunks: readonly Buffer[]): { output: Buffer; code: number | undefined } {
  const scanner = new MarkerScanner(NONCE);
  const outputs: Buffer[] = [];
  let code: number | undefined;
  for (const chunk of chunks) {
    const { output, result } = scanner.scan(chunk);
    outputs.push(output);
    code ??= result?.code;
  }
  outputs.push(scanner.rest());
  return { output: Buffer.concat(outputs), code };
}

function cut(bytes: Buffer, random: SeededRandom): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(random.fraction() * 9);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

it('a result is found however the stream is cut, and output that almost looks like it stays output', () => {
  const seed = chosenSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 500; round++) {
    const almost = NONCE.slice(0, Math.floor(random.fraction() * NONCE.length));
    const output = `abab${almost}\n${almost}`;
    const stream = Buffer.from(`${output}${NONCE} 137 2\n`);
    const scanned = scanAll(cut(stream, random));
    assert.deepEqual([scanned.output.toString(), scanned.code], [output, 137], `PFS_SEED=${seed}`);
  }
});

it('output is held back only as long as it could be the beginning of a result', () => {
  const scanner = new MarkerScanner(NONCE);
  assert.equal(scanner.scan(Buffer.from('progress 10%')).output.toString(), 'progress 10%');
  assert.equal(scanner.scan(Buffer.from('xab')).output.toString(), 'x');
  assert.equal(scanner.scan(Buffer.from('!')).output.toString(), 'ab!');
});

it('frames are taken apart however the stream is cut', () => {
  const seed = chosenSeed();
  const random = new SeededRandom(seed);
  const frame = (stream: number, text: string): Buffer => {
    const header = Buffer.alloc(8);
    header[0] = stream;
    header.writeUInt32BE(text.length, 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };
  const bytes = Buffer.concat([frame(1, 'out'), frame(2, 'error'), frame(1, ''), frame(1, 'more')]);
  for (let round = 0; round < 100; round++) {
    const reader = new FrameReader();
    const said = { stdout: '', stderr: '' };
    for (const chunk of cut(bytes, random)) {
      for (const { stream, payload } of reader.read(chunk)) {
        said[stream] += payload.toString();
      }
    }
    assert.deepEqual(said, { stdout: 'outmore', stderr: 'error' }, `PFS_SEED=${seed}`);
  }
});
