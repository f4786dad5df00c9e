// Compresses a stream on its way out.

import { Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';

/** Yields `source` gzipped, fast rather than small. The chunks of the source may be used again once the next is asked for. */
export async function* gzipped(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: 256 * 1024 });
  const copies = Readable.from(copied(source), { objectMode: false, highWaterMark: 1024 * 1024 });
  copies.once('error', (error) => gzip.destroy(error));
  copies.pipe(gzip);
  try {
    yield* gzip as AsyncIterable<Uint8Array>;
  } finally {
    copies.destroy();
  }
}

async function* copied(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of source) {
    yield Buffer.from(chunk);
  }
}
