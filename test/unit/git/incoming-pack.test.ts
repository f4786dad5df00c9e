// Packs that no Git would send.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { deflateSync } from 'node:zlib';
import { IncomingPack } from '../../../engine/git/incoming-pack.ts';
import { objectId } from '../../../engine/git/object-id.ts';
import { scratchDirectory } from '../../support/scratch.ts';

const BLOB = 3;
const REF_DELTA = 7;

/** A number in groups of seven bits, the lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
    if (rest < 128) {
      return Buffer.from(bytes);
    }
  }
}

function entry(type: number, content: Buffer, base = ''): Buffer {
  const first = (type << 4) | (content.length & 15);
  const rest = Math.floor(content.length / 16);
  const header = rest === 0 ? Buffer.from([first]) : Buffer.from([first | 0x80, ...varint(rest)]);
  return Buffer.concat([header, Buffer.from(base, 'hex'), deflateSync(content)]);
}

function pack(...entries: readonly Buffer[]): Buffer {
  const header = Buffer.from('PACK\0\0\0\u0002\0\0\0\0', 'latin1');
  header.writeUInt32BE(entries.length, 8);
  const body = Buffer.concat([header, ...entries]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

async function receive(t: TestContext, bytes: Buffer) {
  const folder = scratchDirectory(t);
  const source = (async function* () {
    yield bytes;
  })();
  try {
    const received = await IncomingPack.receive(source, join(folder, 'pack'));
    t.after(() => received.close());
    return received;
  } catch (error) {
    assert.deepEqual(readdirSync(folder), [], 'nothing is left of what was refused');
    throw error;
  }
}

const CONTENT = Buffer.from('a content that deltas stand on');
const ID = objectId('blob', CONTENT);

it('a delta that comes before its base makes what it says', async (t) => {
  const insert = Buffer.from(' and more');
  const made = Buffer.concat([CONTENT, insert]);
  const delta = Buffer.concat([
    varint(CONTENT.length),
    varint(made.length),
    Buffer.from([0x90, CONTENT.length, insert.length]),
    insert,
  ]);
  const received = await receive(t, pack(entry(REF_DELTA, delta, ID), entry(BLOB, CONTENT)));
  const id = objectId('blob', made);
  assert.equal(received.kindOf(id), 'blob');
  assert.ok((await received.read(id)).content.equals(made));
});

it('a delta of some bytes that says it makes some gigabytes is refused before it is made', async (t) => {
  const bomb = Buffer.concat([varint(CONTENT.length), varint(5 * 2 ** 30), Buffer.from([0x90, 1])]);
  await assert.rejects(
    receive(t, pack(entry(BLOB, CONTENT), entry(REF_DELTA, bomb, ID))),
    /Cannot take a file of 5368709120 bytes/,
  );
});

it('what is cut off, damaged, or stands on nothing is refused', async (t) => {
  const whole = pack(entry(BLOB, CONTENT));
  await assert.rejects(receive(t, whole.subarray(0, -1)), /cut off or damaged/);
  await assert.rejects(receive(t, pack(entry(5, CONTENT))), /unknown type 5/);
  const delta = Buffer.concat([varint(CONTENT.length), varint(1), Buffer.from([0x90, 1])]);
  await assert.rejects(receive(t, pack(entry(REF_DELTA, delta, ID))), /that it lacks/);
  await assert.rejects(receive(t, pack(Buffer.from([0xb5]))), /middle of an entry|damaged/);
});
