// A proxy of TCP that breaks connections as it is told: for downloads that do not come through at once.

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Passes everything on to a port, but breaks each of the first connections after so many bytes of the answer. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** How many connections were made. */
  connections = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(
    t: { after(close: () => Promise<void>): void },
    options: { readonly to: number; readonly cutAfter?: readonly number[] },
  ): Promise<CuttingProxy> {
    const cuts = [...(options.cutAfter ?? [])];
    const server = createServer((client) => {
      proxy.connections += 1;
      proxy.#open.add(client);
      const engine = connect(options.to, '127.0.0.1');
      const cut = cuts.shift();
      let passed = 0;
      client.on('error', () => engine.destroy());
      engine.on('error', () => client.destroy());
      client.on('data', (chunk) => engine.write(chunk));
      engine.on('data', (chunk: Buffer) => {
        const left = cut === undefined ? chunk.length : cut - passed;
        passed += chunk.length;
        client.write(chunk.subarray(0, Math.max(0, left)), () => {
          if (cut !== undefined && passed >= cut) {
            // What was sent arrives, and then nothing more.
            client.end();
            engine.destroy();
          }
        });
      });
      client.on('close', () => {
        proxy.#open.delete(client);
        engine.destroy();
      });
      engine.on('close', () => client.end());
    });
    const proxy = new CuttingProxy(server);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    t.after(() => new Promise((done) => server.close(() => done())));
    return proxy;
  }

  /** Breaks every connection there is. */
  breakAll(): void {
    for (const client of this.#open) {
      client.destroy();
    }
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}
