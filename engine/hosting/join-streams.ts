// Two connections made one.

import type { Duplex } from 'node:stream';

/**
 * Passes everything from each to the other, and the end of each way by itself. Resolves when both are over; where one breaks
 * off, so does the other.
 */
export async function joinStreams(one: Duplex, other: Duplex): Promise<void> {
  const over = [closeOf(one), closeOf(other)];
  void over[0]?.then(() => endSoon(other));
  void over[1]?.then(() => endSoon(one));
  one.pipe(other);
  other.pipe(one);
  await Promise.all(over);
}

function closeOf(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) {
      resolve();
      return;
    }
    stream.once('close', () => resolve());
    stream.once('error', () => stream.destroy());
  });
}

/** Ends a stream whose other side is gone, once what it was given is sent. */
function endSoon(stream: Duplex): void {
  if (stream.destroyed || stream.writableFinished) {
    stream.destroy();
    return;
  }
  stream.once('finish', () => stream.destroy());
  stream.end();
}
