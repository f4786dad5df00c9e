// What a command gets to work with: the client, the output, the user's defaults.

import { Client } from './client.ts';
import { Home } from './home.ts';
import type { Output } from './output.ts';

/** The address where an engine listens unless told otherwise. */
export const DEFAULT_ADDRESS = 'http://127.0.0.1:30650';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One run of the command line. */
export class Context {
  readonly output: Output;
  readonly env: Environment;
  readonly home: Home;
  readonly signal: AbortSignal;
  /** The project of names given without one. */
  readonly project: string;
  /** Standard input. */
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  #client: Client | undefined;
  #comparison: Promise<void> | undefined;

  constructor(options: {
    readonly output: Output;
    readonly env: Environment;
    readonly signal: AbortSignal;
    readonly project?: string | undefined;
    readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  }) {
    this.output = options.output;
    this.env = options.env;
    this.signal = options.signal;
    this.home = new Home(options.env);
    this.project = options.project ?? options.env.PFS_PROJECT ?? 'default';
    this.stdin = options.stdin;
  }

  /** The engine, started on first use where none runs and the address is local. */
  get client(): Client {
    this.#client ??= this.connect({ start: true });
    return this.#client;
  }

  /** Returns a client of its own that, unless told to, starts no engine. */
  connect(options: { readonly start: boolean; readonly signal?: AbortSignal }): Client {
    const { env, home } = this;
    const address = env.PFS_ADDRESS || home.engine()?.address || DEFAULT_ADDRESS;
    return new Client({
      address: address.replace(/\/+$/, ''),
      token: () => env.PFS_TOKEN || home.token(),
      signal: options.signal ?? this.signal,
      onVersion: (version) => {
        this.#comparison = this.#compareVersions(version);
      },
      ...(options.start && isLocal(address) ? { onRefused: () => this.#start() } : {}),
    });
  }

  /** Closes what is open, once what the user must be told is told. */
  async close(): Promise<void> {
    this.#client?.close();
    await this.#comparison;
  }

  async #start(): Promise<string> {
    const { startEngine } = await import('./engine-process.ts');
    if (this.output.stderr.isTTY) {
      this.output.note('Starting the engine …');
    }
    return (await startEngine({ home: this.home, env: this.env, signal: this.signal })).address;
  }

  /** The own version is read from a file: only now, since most runs that fail need none of it. */
  async #compareVersions(engine: string): Promise<void> {
    const { cliVersion } = await import('./version.ts');
    const own = cliVersion();
    if (own !== engine) {
      this.output.note(
        `Warning: this pfs is version ${own} and the engine ${engine}; after pfs engine stop the next command starts the new one`,
      );
    }
  }
}

/** Returns whether an engine at this address would be on this machine. */
export function isLocal(address: string): boolean {
  return /^unix:|^http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$)/.test(address);
}
