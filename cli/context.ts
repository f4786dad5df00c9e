// What a command gets to work with: the client, the output, the user's defaults.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { Asked, Changing, Rest } from '../client/asked.ts';
import type { AnswerOf, ChangeKey } from '../engine/server/operations/types.ts';
import { CliError, fileError, usageError } from './cli-error.ts';
import { EngineClient } from './client.ts';
import { Home } from './home.ts';
import type { Output } from './output.ts';

/**
 * Where nothing listens: until this home's engine has run there is no address, and guessing one could reach, and show
 * the token to, somebody else's program.
 */
const NOWHERE = 'http://127.0.0.1:1';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Standard input. */
export type Input = NodeJS.ReadableStream & {
  readonly isTTY?: boolean;
  readonly fd?: number;
  /** Of a terminal: whether keys come as they are pressed, and Ctrl-C as one of them. */
  setRawMode?(raw: boolean): unknown;
};

/** One run of the command line. */
export class Context {
  readonly output: Output;
  readonly env: Environment;
  readonly home: Home;
  readonly signal: AbortSignal;
  /** Standard input. */
  readonly stdin: Input;
  readonly #project: string | undefined;
  #client: EngineClient | undefined;
  #comparison: Promise<void> | undefined;
  #wroteAlone = false;

  constructor(options: {
    readonly output: Output;
    readonly env: Environment;
    readonly signal: AbortSignal;
    readonly project?: string | undefined;
    readonly stdin: Input;
  }) {
    this.output = options.output;
    this.env = options.env;
    this.signal = options.signal;
    this.home = new Home(options.env);
    this.#project = options.project;
    this.stdin = options.stdin;
  }

  /** The project of names given without one. */
  get project(): string {
    return this.chosenProject ?? 'default';
  }

  /** The project that was asked for: by an option, the environment or a setting, in this order. */
  get chosenProject(): string | undefined {
    const { env, home } = this;
    return this.#project ?? (env.PFS_PROJECT || undefined) ?? home.config().project;
  }

  /** The engine, started on first use where none runs and the address is local. */
  get client(): EngineClient {
    this.#client ??= this.connect({ start: true });
    return this.#client;
  }

  /**
   * Makes a change that transactions may hold: at once, or by adding it to the active one, which the user is told.
   * `isAlone`: at once in any case.
   */
  async change<K extends ChangeKey>(
    key: K,
    asked: Asked<K>,
    { isAlone = false }: { readonly isAlone?: boolean } = {},
  ): Promise<AnswerOf<K>> {
    const transaction = isAlone ? undefined : this.home.transaction();
    const changing = [{ ...asked, transaction }] as unknown as Rest<K, Changing>;
    const answer = await this.client.call(key, ...changing);
    if (transaction !== undefined) {
      this.output.note(`Added to transaction ${transaction}; pfs finish transaction makes it so`);
    }
    return answer;
  }

  /** Returns a client of its own that, unless told to, starts no engine. */
  connect(options: {
    readonly start: boolean;
    readonly signal?: AbortSignal;
    /** Where it is, and with what to sign in, where those are not the user's own. */
    readonly address?: string;
    readonly token?: string;
  }): EngineClient {
    const { env, home } = this;
    const asked = options.address ?? env.PFS_ADDRESS;
    const address = options.address ?? this.addressOf();
    return new EngineClient({
      address,
      ...(asked ? {} : { ofHome: home.folder }),
      ...trustOf(address, { env, home }),
      token: () => options.token ?? this.tokenFor(address),
      signal: options.signal ?? this.signal,
      onWrite: (key) => {
        this.#wroteAlone ||= !/ \/(?:transactions|engine)\b/.test(key);
      },
      onVersion: (version) => {
        this.#comparison = this.#compareVersions(version);
      },
      socketOf: (of) => {
        const { address: own, socket } = home.engine() ?? {};
        return !asked && own === of && socket ? join(home.folder, socket) : undefined;
      },
      ...(options.start && isLocal(address) ? { onRefused: () => this.#start() } : {}),
    });
  }

  /** Returns the address of an engine: the one given, that of PFS_ADDRESS, or that of this home's own. */
  addressOf(given = this.env.PFS_ADDRESS): string {
    const address = given ? checkAddress(given) : (this.home.engine()?.address ?? NOWHERE);
    return address.replace(/\/+$/, '');
  }

  /** Returns the token for an address. That of the home's own engine is shown to no other machine. */
  tokenFor(address: string): string | undefined {
    const { env, home } = this;
    const isOwn =
      isLocal(address) || address.startsWith('unix:') || address === home.engine()?.address;
    return env.PFS_TOKEN || home.login(address) || (isOwn ? home.token() : undefined);
  }

  /** Closes what is open, once what the user must be told is told. */
  async close(): Promise<void> {
    this.#client?.close();
    await this.#comparison;
    if (this.#wroteAlone && this.home.transaction() !== undefined) {
      this.output.note('A transaction is active here; this is no part of it: it was done at once');
    }
  }

  async #start(): Promise<string> {
    const { startEngine } = await import('./engine-process.ts');
    if (this.output.stderr.isTTY) {
      this.output.note('Starting the engine …');
    }
    const { env, home, signal } = this;
    const asked = env.PFS_ADDRESS ? new URL(checkAddress(env.PFS_ADDRESS)) : undefined;
    const listen = env.PFS_LISTEN || asked?.host;
    const { address } = await startEngine({ home, env, signal, listen });
    if (asked && new URL(address).port !== asked.port) {
      throw new CliError(
        'unreachable',
        `Cannot reach the engine at ${asked.origin}: the one of ${home.folder} listens at ${address}; correct or unset PFS_ADDRESS`,
      );
    }
    return address;
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

/** Returns an address as a URL; `host:port` is one of http. Throws a usage error for what is none. */
function checkAddress(text: string): string {
  const url = /^[a-z]+:\/\/|^unix:/i.test(text) ? text : `http://${text}`;
  if (!/^(?:https?:\/\/|unix:\/)/i.test(url) || !URL.canParse(url)) {
    throw usageError(
      `Cannot use PFS_ADDRESS "${text}": it is no address of an engine; write http://host:port`,
    );
  }
  return url;
}

/** Returns whether an engine at this address would be on this machine. */
export function isLocal(address: string): boolean {
  return /^https?:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$)/.test(address);
}

/** Returns whom to trust at an address over TLS: the authorities of PFS_CA_CERT, and the certificate of this home's own engine. */
function trustOf(
  address: string,
  { env, home }: Pick<Context, 'env' | 'home'>,
): Pick<ConstructorParameters<typeof EngineClient>[0], 'trust'> {
  const record = home.engine();
  const own = record?.address === address ? record.certificate : undefined;
  const files = [env.PFS_CA_CERT, own].flatMap((file) => file || []);
  if (!address.startsWith('https:') || files.length === 0) {
    return {};
  }
  const ca = [...rootCertificates, ...files.map(readCertificate)];
  // It is reached by an address of this machine, which no certificate names.
  return { trust: own === undefined ? { ca } : { ca, checkServerIdentity: () => undefined } };
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw fileError(`read the certificate "${file}"`, error);
  }
}
