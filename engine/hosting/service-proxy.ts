// The door of a service: it listens for as long as the pipeline does its work, and leads who comes to the copy of the moment.
// It knows HTTP/1 when it sees it, and leads each request by itself; any other connection stays where it went.

import { METHODS } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { EngineError, errorText, systemCode } from '../base/errors.ts';
import { HttpForward } from './http-forward.ts';
import { joinStreams } from './join-streams.ts';
import { type Connection, Router } from './router.ts';
import type { Upstream } from './upstream.ts';

/** How long a client may keep silent before the service gets to speak first, as those of some protocols do. */
const SILENCE_MS = 200;
/** Longest of the names of methods, with a blank. */
const LOOKED_AT = 20;

export interface ProxyOptions {
  readonly clock: Clock;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly holdMs: number;
}

/** One open door. */
export class ServiceProxy {
  readonly host: string;
  readonly port: number;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #router: Router;
  readonly #http: HttpForward;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, options: ProxyOptions) {
    this.#server = server;
    this.#clock = options.clock;
    this.#router = new Router(options);
    this.#http = new HttpForward(this.#router);
    this.host = options.host;
    this.port = (server.address() as { port: number }).port;
    server.on('connection', (socket) => this.#take(socket));
  }

  /** Opens a door; rejects with `unavailable` where the address can't be had, saying why. */
  static async open(options: ProxyOptions): Promise<ServiceProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, options)));
      server.listen({ host: options.host, port: options.port }, resolve);
    });
    // What breaks later concerns one connection, which says so itself.
    server.on('error', () => undefined);
    return new ServiceProxy(server, options);
  }

  /** Leads all that comes from here on to another copy, or holds it where there is none. */
  route(upstream: Upstream | undefined): void {
    this.#router.route(upstream);
  }

  /** Lets nobody in any more, and ends what is still open once `patience` resolves. */
  async close(patience: Promise<unknown> = Promise.resolve()): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await patience.catch(() => undefined);
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await closed;
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
    this.#lead(socket).catch(() => socket.destroy());
  }

  async #lead(socket: Socket): Promise<void> {
    const gone = new AbortController();
    socket.once('close', () => gone.abort());
    const { signal } = gone;
    const early = await this.#isSpeaking(socket, SILENCE_MS);
    if (early && startsHttp(socket)) {
      this.#http.take(socket);
      return;
    }
    const connection = await this.#router.connect(signal);
    if (!early && (await firstOf(socket, connection)) === 'client' && startsHttp(socket)) {
      // It was silent at first, and nothing has gone either way: it is led as any other.
      connection.socket.destroy();
      connection.done();
      this.#http.take(socket);
      return;
    }
    await joinStreams(socket, connection.socket);
    connection.done();
  }

  /** Returns whether the client has sent something, or will send nothing, before so much time has passed. */
  async #isSpeaking(socket: Socket, ms: number): Promise<boolean> {
    const over = new AbortController();
    const late = this.#clock.sleep(ms, { signal: over.signal }).then(
      () => false,
      () => false,
    );
    const spoken = readable(socket, over.signal).then(() => true);
    const isSpeaking = await Promise.race([spoken, late]);
    over.abort();
    return isSpeaking;
  }
}

/** Resolves when there is something to read, at the end, or when the signal aborts. Reads nothing. */
function readable(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readableLength > 0 || socket.readableEnded || socket.destroyed) {
      resolve();
      return;
    }
    const end = () => {
      socket.off('readable', end);
      socket.off('end', end);
      socket.off('close', end);
      resolve();
    };
    socket.on('readable', end);
    socket.on('end', end);
    socket.on('close', end);
    signal.addEventListener('abort', end, { once: true });
  });
}

async function firstOf(client: Socket, { socket }: Connection): Promise<'client' | 'service'> {
  const over = new AbortController();
  const first = await Promise.race([
    readable(client, over.signal).then(() => 'client' as const),
    readable(socket, over.signal).then(() => 'service' as const),
  ]);
  over.abort();
  return first;
}

/** Returns whether what a client sent first is the beginning of a request of HTTP/1; it stays unread. */
function startsHttp(socket: Socket): boolean {
  const bytes = socket.read() as Buffer | null;
  if (bytes === null) {
    return false;
  }
  socket.unshift(bytes);
  const method = bytes.subarray(0, LOOKED_AT).toString('latin1').split(' ', 1)[0] ?? '';
  return method !== 'CONNECT' && METHODS.includes(method) && bytes.length > method.length;
}

function listenError(error: Error, { host, port }: ProxyOptions): EngineError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} of ${host} is taken by another program; end that, or set external_port to another, or to 0 for any`,
    EACCES: `this user may not listen on port ${port}; set external_port to one above 1023`,
    EADDRNOTAVAIL: `${host} is no address of this machine; set ip to one that is, or leave it out`,
    ENOTFOUND: `${host} is no address of this machine; set ip to one that is, or leave it out`,
  };
  const why = reasons[systemCode(error) ?? ''] ?? errorText(error);
  return new EngineError('unavailable', `Cannot serve: ${why}`, { cause: error });
}
