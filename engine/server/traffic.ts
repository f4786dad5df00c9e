// Counts the bytes of connections as they pass: an upload or a stream that goes on for hours would else show at its end alone.

import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { Counter } from 'prom-client';

/** The connections of servers. */
export class Traffic {
  readonly #counter: Counter<'direction'>;
  /** What has been counted of those that are open. */
  readonly #open = new Map<Socket, { readonly in: number; readonly out: number }>();

  constructor(counter: Counter<'direction'>) {
    this.#counter = counter;
  }

  /** Counts the connections that a server takes from now on, whatever becomes of their requests. */
  followAll(server: Server): void {
    const event = server instanceof TlsServer ? 'secureConnection' : 'connection';
    server.on(event, (socket: Socket) => this.follow(socket));
  }

  /** Counts a connection from its beginning on, until it closes. */
  follow(socket: Socket): void {
    if (this.#open.has(socket) || socket.closed) {
      return;
    }
    this.#open.set(socket, { in: 0, out: 0 });
    socket.once('close', () => {
      this.#count(socket);
      this.#open.delete(socket);
    });
  }

  /** Counts what has passed until now. */
  count(): void {
    for (const socket of this.#open.keys()) {
      this.#count(socket);
    }
  }

  #count(socket: Socket): void {
    const before = this.#open.get(socket) ?? { in: 0, out: 0 };
    const now = { in: socket.bytesRead, out: socket.bytesWritten };
    this.#open.set(socket, now);
    this.#counter.inc({ direction: 'in' }, now.in - before.in);
    this.#counter.inc({ direction: 'out' }, now.out - before.out);
  }
}
