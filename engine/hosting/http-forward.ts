// Requests of HTTP/1, one by one: each goes to the copy of the service that the traffic goes to at that moment, also where
// the client keeps its connection. So a copy is done with as soon as it has answered what it was asked.

import { type IncomingMessage, request, Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorText } from '../base/errors.ts';
import { joinStreams } from './join-streams.ts';
import type { Router } from './router.ts';

/** What concerns one connection only, and not the message. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'expect']);
const MAX_HEADER_BYTES = 256 * 1024;

/** Takes connections on which HTTP is spoken. */
export class HttpForward {
  readonly #router: Router;
  readonly #server: Server;

  constructor(router: Router) {
    this.#router = router;
    this.#server = new Server(
      { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 0, noDelay: true },
      (asked, answer) => {
        this.#forward(asked, answer).catch(() => answer.destroy());
      },
    );
    this.#server.on('upgrade', (asked: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(asked, { socket, head }).catch(() => socket.destroy());
    });
  }

  /** Takes over a connection of which nothing was read, or what was read was put back. */
  take(socket: Duplex): void {
    this.#server.emit('connection', socket);
  }

  async #forward(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const gone = new AbortController();
    answer.once('close', () => gone.abort());
    const connection = await this.#router.connect(gone.signal).catch((error: unknown) => {
      refuse(answer, 503, errorText(error));
      return undefined;
    });
    if (connection === undefined) {
      return;
    }
    const { socket, done } = connection;
    const forwarded = request({
      createConnection: () => socket,
      method: asked.method,
      path: asked.url,
      headers: headersOf(asked),
      setHost: false,
      // Clients judge what the service says, not we.
      insecureHTTPParser: true,
    });
    answer.once('close', () => {
      forwarded.destroy();
      socket.destroy();
      done();
    });
    if (answer.destroyed) {
      return;
    }
    forwarded.on('error', (error) => {
      if (answer.headersSent) {
        answer.destroy();
      } else {
        refuse(answer, 502, `The service broke off: ${errorText(error)}`);
      }
    });
    forwarded.once('response', (answered) => {
      answer.sendDate = false;
      answer.writeHead(
        answered.statusCode ?? 502,
        answered.statusMessage ?? '',
        headersOf(answered, { chunked: asked.httpVersionMinor > 0 }),
      );
      answer.flushHeaders();
      pipeline(answered, answer).catch(() => answer.destroy());
    });
    // A copy may answer before it has been told all; then what it answers counts.
    await pipeline(asked, forwarded).catch(() => undefined);
  }

  /** From here on it is no longer HTTP, and stays with the copy that it came to. */
  async #upgrade(
    asked: IncomingMessage,
    { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
  ): Promise<void> {
    const gone = new AbortController();
    socket.on('error', () => socket.destroy());
    socket.once('close', () => gone.abort());
    const connection = await this.#router.connect(gone.signal);
    const lines = [`${asked.method} ${asked.url} HTTP/${asked.httpVersion}`];
    for (let at = 0; at < asked.rawHeaders.length; at += 2) {
      lines.push(`${asked.rawHeaders[at]}: ${asked.rawHeaders[at + 1]}`);
    }
    connection.socket.write(
      Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]),
    );
    await joinStreams(socket, connection.socket);
    connection.done();
  }
}

/** Returns the headers of a message as they came, in pairs, but for those of its connection. */
function headersOf(message: IncomingMessage, { chunked = true } = {}): string[] {
  const kept: string[] = [];
  const named = (message.headers.connection ?? '').toLowerCase().split(/\s*,\s*/);
  for (let at = 0; at < message.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = message.rawHeaders.slice(at, at + 2);
    const lower = name.toLowerCase();
    const isOfConnection = HOP_BY_HOP.has(lower) || named.includes(lower);
    if (!isOfConnection && (chunked || lower !== 'transfer-encoding')) {
      kept.push(name, value);
    }
  }
  return kept;
}

function refuse(answer: ServerResponse, status: number, reason: string): void {
  if (!answer.headersSent && !answer.destroyed) {
    answer.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' });
    answer.end(`${reason}\n`);
  }
}
