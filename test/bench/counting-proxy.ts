// Stands between an engine and an S3 server and counts what is asked. It changes nothing, so that signatures hold.

import { Agent, createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy that counts. */
export interface CountingProxy {
  readonly endpoint: string;
  /** How many requests there were, but for what an engine asks every moment whether or not it has anything to do. */
  requests(): number;
  close(): Promise<void>;
}

/** Starts one before the server at `endpoint`. */
export async function countRequests(endpoint: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(endpoint);
  const agent = new Agent({ keepAlive: true });
  let count = 0;
  const server = createServer((incoming, answer) => {
    const { method, url = '', headers } = incoming;
    count += isIdle(method, url) ? 0 : 1;
    const outgoing = send({ hostname, port, method, path: url, headers, agent }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests: () => count,
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Whether a request looks for the next entry of the journal, or is the sign of life of an engine. */
function isIdle(method: string | undefined, url: string): boolean {
  return (method === 'GET' && /\/journal\/\d+\.json/.test(url)) || /\/engines\//.test(url);
}
