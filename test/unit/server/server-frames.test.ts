// File frames: what goes in comes out, however it is cut; what is wrong is refused.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isEngineError } from '../../../engine/base/errors.ts';
import { SeededRandom } from '../../../engine/base/random.ts';
import {
  decodeFrames,
  encodeFiles,
  encodeFrameEnd,
  encodeFrameHeader,
  FRAME_EXECUTABLE,
  FRAME_EXECUTABLE_PIECE,
  FRAME_FILE,
  FRAME_PIECE,
} from '../../../engine/server/frames.ts';
import { chosenSeed } from '../../support/seed.ts';

interface File {
  readonly path: string;
  readonly executable: boolean;
  readonly data: string;
}

async function decode(chunks: Iterable<Buffer>): Promise<File[]> {
  const files: File[] = [];
  let open: { path: string; executable: boolean; data: Buffer[] } | undefined;
  async function* source() {
    yield* chunks;
  }
  for await (const parts of decodeFrames(source())) {
    for (const part of parts) {
      assert.equal(part.first, open === undefined, 'the first part of a file says so');
      open ??= { path: part.path, executable: part.executable, data: [] };
      open.data.push(Buffer.from(part.data));
      if (part.last) {
        files.push({
          ...open,
          executable: part.executable,
          data: Buffer.concat(open.data).toString('latin1'),
        });
        open = undefined;
      }
    }
  }
  assert.equal(open, undefined, 'every file has a last part');
  return files;
}

function* cuts(bytes: Buffer, random: SeededRandom): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + (random.bytes(2).readUInt16BE() % 40);
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
}

function newSeed(t: { diagnostic(text: string): void }): number {
  const seed = chosenSeed();
  t.diagnostic(`PFS_SEED=${seed}`);
  return seed;
}

function someFiles(random: SeededRandom): File[] {
  return Array.from({ length: random.bytes(1).readUInt8() % 12 }, (_, i) => ({
    path: `${i}/ü b*${random.bytes(random.bytes(1).readUInt8() % 9).toString('hex')}`,
    executable: random.bytes(1).readUInt8() % 2 === 0,
    data: random.bytes(random.bytes(1).readUInt8()).toString('latin1'),
  }));
}

it('what is encoded is decoded, wherever the stream is cut', async (t) => {
  const random = new SeededRandom(newSeed(t));
  for (let round = 0; round < 200; round += 1) {
    const files = someFiles(random);
    async function* outgoing() {
      for (const { data, ...file } of files) {
        const bytes = Buffer.from(data, 'latin1');
        yield {
          ...file,
          size: bytes.length,
          data:
            bytes.length % 3 === 0
              ? (async function* () {
                  yield bytes;
                })()
              : bytes,
        };
      }
    }
    const encoded: Buffer[] = [];
    for await (const chunk of encodeFiles(outgoing())) {
      encoded.push(Buffer.from(chunk));
    }
    assert.deepEqual(await decode(cuts(Buffer.concat(encoded), random)), files);
  }
});

it('a file of unknown length travels in pieces', async (t) => {
  const random = new SeededRandom(newSeed(t));
  const stream = Buffer.concat([
    encodeFrameHeader(FRAME_PIECE, 'a', 2),
    Buffer.from('he'),
    encodeFrameHeader(FRAME_PIECE, 'a', 0),
    encodeFrameHeader(FRAME_PIECE, 'a', 3),
    Buffer.from('llo'),
    encodeFrameHeader(FRAME_FILE, 'a', 0),
    encodeFrameHeader(FRAME_EXECUTABLE_PIECE, 'b', 1),
    Buffer.from('x'),
    encodeFrameHeader(FRAME_EXECUTABLE, 'b', 1),
    Buffer.from('y'),
    encodeFrameEnd(6),
  ]);
  for (let round = 0; round < 50; round += 1) {
    assert.deepEqual(await decode(cuts(stream, random)), [
      { path: 'a', executable: false, data: 'hello' },
      { path: 'b', executable: true, data: 'xy' },
    ]);
  }
});

it('a stream that was cut off, or is wrong, is refused', async () => {
  const file = Buffer.concat([encodeFrameHeader(FRAME_FILE, 'a', 3), Buffer.from('abc')]);
  const piece = Buffer.concat([encodeFrameHeader(FRAME_PIECE, 'a', 1), Buffer.from('x')]);
  const wrong: Readonly<Record<string, Buffer[]>> = {
    nothing: [],
    'no end': [file],
    'half a header': [encodeFrameHeader(FRAME_FILE, 'abc', 3).subarray(0, 7)],
    'half a name': [encodeFrameHeader(FRAME_FILE, 'abc', 3).subarray(0, 11)],
    'half the data': [file.subarray(0, file.length - 1)],
    'too few': [file, encodeFrameEnd(2)],
    'too many': [file, file, encodeFrameEnd(1)],
    'more after the end': [file, encodeFrameEnd(1), file],
    'a byte after the end': [file, encodeFrameEnd(1), Buffer.from([0])],
    'two ends': [file, encodeFrameEnd(1), encodeFrameEnd(1)],
    'an open piece': [piece, encodeFrameEnd(1)],
    'a piece of another file': [piece, file.subarray(0, 9), Buffer.from('babc'), encodeFrameEnd(2)],
    'an unknown kind': [encodeFrameHeader(9, 'a', 0), encodeFrameEnd(1)],
  };
  for (const [what, chunks] of Object.entries(wrong)) {
    await assert.rejects(decode(chunks), (error) => isEngineError(error, 'invalid'), what);
  }
});

it('random bytes and damaged streams are refused or read, and nothing else', async (t) => {
  const random = new SeededRandom(newSeed(t));
  let refused = 0;
  for (let round = 0; round < 2000; round += 1) {
    const valid = Buffer.concat([
      ...someFiles(random).map(({ path, data }) =>
        Buffer.concat([
          encodeFrameHeader(FRAME_FILE, path, data.length),
          Buffer.from(data, 'latin1'),
        ]),
      ),
      encodeFrameEnd(0),
    ]);
    const bytes = round % 2 === 0 ? random.bytes(round % 300) : valid;
    for (let i = round % 7; i > 0 && bytes.length > 0; i -= 1) {
      bytes[random.bytes(4).readUInt32BE() % bytes.length] = random.bytes(1).readUInt8();
    }
    try {
      await decode(cuts(bytes, random));
    } catch (error) {
      assert.ok(isEngineError(error, 'invalid'), String(error));
      refused += 1;
    }
  }
  assert.ok(refused > 1000);
});
