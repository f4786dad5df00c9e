// Sends a stream as the body of a request. The stream is not touched before the connection stands: where that is refused, all
// of it can still go to another address.

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Writes `source` as the body, a chunk at a time, and stops early when the engine answers early. */
export async function pour(
  source: AsyncIterable<Uint8Array>,
  { request, answered }: { request: ClientRequest; answered: Promise<IncomingMessage> },
): Promise<IncomingMessage> {
  let over = false;
  let wake = (): void => undefined;
  const stop = (): void => {
    over = true;
    wake();
  };
  answered.then(stop, stop);
  request.flushHeaders();
  await connected(request);
  try {
    if (!(over || request.destroyed)) {
      for await (const chunk of source) {
        // Waiting until the chunk has left lets the source use its buffer again.
        await new Promise<void>((resolve) => {
          wake = resolve;
          request.write(chunk, () => resolve());
        });
        if (over) {
          // An answer before the end is a refusal; what was not sent is not wanted.
          return await answered;
        }
      }
    }
  } catch (error) {
    // Cut off, so that the engine stores nothing of it.
    request.destroy();
    await answered.catch(() => undefined);
    throw error;
  }
  request.end();
  return answered;
}

/**
 * Writes `source` as the body while the answer is read: both go on side by side. What goes wrong with the source breaks the
 * request off.
 */
export async function pourMeanwhile(
  source: AsyncIterable<Uint8Array>,
  { request, answered }: { request: ClientRequest; answered: Promise<IncomingMessage> },
): Promise<IncomingMessage> {
  const pump = async (): Promise<void> => {
    await connected(request);
    if (request.destroyed) {
      return;
    }
    for await (const chunk of source) {
      if (request.destroyed) {
        return;
      }
      await new Promise<void>((resolve) => {
        request.write(chunk, () => resolve());
      });
    }
    request.end();
  };
  request.flushHeaders();
  pump().catch((error: Error) => request.destroy(error));
  return await answered;
}

/** Resolves once the connection of a request stands, or there will be none. */
function connected(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const wait = (socket: Socket): void => {
      if (socket.connecting) {
        socket.once('connect', resolve);
      } else {
        resolve();
      }
    };
    request.once('close', resolve);
    if (request.destroyed) {
      resolve();
    } else if (request.socket) {
      wait(request.socket);
    } else {
      request.once('socket', wait);
    }
  });
}
