// A socket in front of the Docker socket of this machine, which can go away and come back without Docker doing so.

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

const DOCKER = (process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock').replace('unix://', '');

export class DockerProxy {
  readonly path: string;
  readonly #pairs = new Map<Socket, { readonly far: Socket; head: string }>();
  #server: Server | undefined;

  constructor(path: string) {
    this.path = path;
  }

  async open(): Promise<void> {
    const server = createServer((near) => {
      const far = connect(DOCKER);
      const pair = { far, head: '' };
      this.#pairs.set(near, pair);
      near.on('data', (chunk: Buffer) => {
        const [request] = /^[A-Z]+ \S+ HTTP/.exec(chunk.toString('latin1', 0, 2000)) ?? [];
        pair.head = request ?? pair.head;
      });
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          near.destroy();
          far.destroy();
          this.#pairs.delete(near);
        });
      }
    });
    this.#server = server;
    server.listen(this.path);
    await once(server, 'listening');
  }

  /** Breaks the connections whose last request was such a one, and goes on; returns how many those were. */
  breakOff(request: RegExp): number {
    const found = [...this.#pairs].filter(([, { head }]) => request.test(head));
    for (const [near] of found) {
      near.destroy();
    }
    return found.length;
  }

  /** Goes away with all connections, as Docker does when it is stopped. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) {
      const closed = once(server, 'close');
      server.close();
      this.breakOff(/^/);
      await closed;
      rmSync(this.path, { force: true });
    }
  }
}
