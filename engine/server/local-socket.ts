// A second way to an engine, for whoever uses its home: a Unix socket, over which bytes cost less than over TCP.

import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** The longest address of a Unix socket on any system, with its end. */
const MAX_ADDRESS_BYTES = 104;

export interface LocalSocket {
  readonly path: string;
  /** Takes no more connections; resolves once those that stand have ended. */
  close(): Promise<void>;
}

/**
 * Lets a server that listens take connections at `path` too, where what was there before is nobody's any more. Resolves with
 * undefined where no socket can be had: the path is too long, or the file system knows none.
 * @param onProblem told why.
 */
export async function openLocalSocket(
  { server }: FastifyInstance,
  path: string,
  onProblem: (error: unknown) => void,
): Promise<LocalSocket | undefined> {
  if (Buffer.byteLength(path) >= MAX_ADDRESS_BYTES) {
    return undefined;
  }
  const socket = createServer((connection) => {
    server.emit('connection', connection);
  });
  try {
    rmSync(path, { force: true });
    await listen(socket, path);
    chmodSync(path, 0o600);
  } catch (error) {
    socket.close();
    onProblem(error);
    return undefined;
  }
  return {
    path,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
