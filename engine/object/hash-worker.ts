// What a hash thread runs: it takes bytes of shared memory, by reference, and answers with their hashes. It writes to none of them.

import { createHash, type Hash, hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { adler32 } from './adler32.ts';
import { copyBytes } from './copy-bytes.ts';
import type { HashAnswer, HashRequest } from './hash-threads.ts';

const DIGEST_BYTES = 20;
/** Up to this size copying into one buffer is cheaper than hashing in two steps. */
const ONE_SHOT_BYTES = 128 * 1024;

const scratch = Buffer.allocUnsafeSlow(ONE_SHOT_BYTES + 32);
/** Hashes that go on from request to request. */
const running = new Map<number, Hash>();

/** Returns the answer to a request. Part of a stream must come to where its beginning came. */
export function work(request: HashRequest): Omit<HashAnswer, 'number'> {
  switch (request.kind) {
    case 'digest': {
      const digest = createHash(request.algorithm);
      for (const piece of request.pieces) {
        digest.update(piece);
      }
      return { hash: digest.digest() };
    }
    case 'update': {
      const { stream, piece, isFirst } = request;
      const whole = isFirst ? createHash('sha256') : stateOf(stream);
      running.set(stream, whole.update(piece));
      return { hash: hash('sha256', piece, 'buffer') };
    }
    case 'final': {
      const whole = stateOf(request.stream);
      running.delete(request.stream);
      return { hash: whole.digest() };
    }
    case 'drop':
      running.delete(request.stream);
      return { hash: new Uint8Array(0) };
    case 'blobs':
      return hashBlobs(request.bytes, request.lengths);
    default:
      return request satisfies never;
  }
}

/** A stream that another thread began, one that has ended since, cannot go on here. */
function stateOf(stream: number): Hash {
  const state = running.get(stream);
  if (!state) {
    throw new Error(`the hash ${stream} was begun by a thread that has ended`);
  }
  return state;
}

/** Names contents that stand one behind the other as Git blobs, with the checksum of each. */
function hashBlobs(
  bytes: Uint8Array,
  lengths: Uint32Array,
): { readonly hash: Uint8Array; readonly sums: Uint32Array } {
  const names = Buffer.allocUnsafeSlow(lengths.length * DIGEST_BYTES);
  const sums = new Uint32Array(lengths.length);
  let at = 0;
  for (const [i, length] of lengths.entries()) {
    const content = bytes.subarray(at, at + length);
    at += length;
    names.set(blobName(content), i * DIGEST_BYTES);
    sums[i] = adler32(content);
  }
  return { hash: names, sums };
}

function blobName(content: Uint8Array): Buffer {
  const header = `blob ${content.length}\0`;
  if (content.length > ONE_SHOT_BYTES) {
    return createHash('sha1').update(header, 'latin1').update(content).digest();
  }
  const start = scratch.write(header, 0, 'latin1');
  copyBytes(scratch, content, start);
  return hash('sha1', scratch.subarray(0, start + content.length), 'buffer');
}

parentPort?.on('message', ({ number, request }: { number: number; request: HashRequest }) => {
  const answer: HashAnswer = { number, ...work(request) };
  parentPort?.postMessage(answer);
});
