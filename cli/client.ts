// The client of the API as the command line has it: over the HTTP of Node, with errors as sentences for the user.

import { Client, type ClientOptions } from '../client/client.ts';
import { failure, problemError } from './cli-error.ts';
import { NodeTransport, type NodeTransportOptions } from './node-transport.ts';

/** One engine, at one address. */
export class EngineClient extends Client {
  readonly #transport: NodeTransport;

  constructor(options: NodeTransportOptions & Pick<ClientOptions, 'onWrite'>) {
    const transport = new NodeTransport(options);
    super({
      transport,
      errorOf: problemError,
      errorOfStranger: ({ cause }) =>
        failure(
          'unreachable',
          `Cannot understand what answers at ${transport.address}: it is not a pfs engine; check PFS_ADDRESS`,
          cause,
        ),
      ...(options.onWrite ? { onWrite: options.onWrite } : {}),
    });
    this.#transport = transport;
  }

  get address(): string {
    return this.#transport.address;
  }

  /** Closes idle connections. */
  close(): void {
    this.#transport.close();
  }
}
