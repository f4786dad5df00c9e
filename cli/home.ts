// The user's own folder: where the local engine leaves its address, token and log. Reads the environment once.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { failure, fileError } from './cli-error.ts';

/** What the engine writes to `engine.json` once it answers. */
export interface EngineRecord {
  readonly pid: number;
  readonly address: string;
  /** The name, in its home, of the Unix socket at which it listens too, where it could have one. */
  readonly socket?: string;
  /** Where the door for S3 listens. */
  readonly s3?: string;
  /** The file of its certificate, where it speaks TLS. */
  readonly certificate?: string;
  readonly store: string;
  readonly version: string;
  readonly started: string;
}

/** What a user has set for all commands. */
export interface Config {
  readonly store?: string;
  readonly project?: string;
}

/** Tokens of users, by the addresses of engines. */
const LOGINS = 'logins.json';

/** The paths below `PFS_HOME`. */
export class Home {
  readonly folder: string;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.folder =
      env.PFS_HOME || join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'pfs');
  }

  get logFile(): string {
    return join(this.folder, 'engine.log');
  }

  get lockFile(): string {
    return join(this.folder, 'engine.lock');
  }

  get configFile(): string {
    return join(this.folder, 'config.json');
  }

  /** Returns the record of the engine that runs, or ran last, here. */
  engine(): EngineRecord | undefined {
    return this.#json<EngineRecord>('engine.json');
  }

  /** Returns the store this home was set up with, where one was chosen. */
  store(): string | undefined {
    return this.config().store;
  }

  /** Returns the settings that were made. */
  config(): Config {
    return this.#json<Config>('config.json') ?? {};
  }

  /** Changes settings and leaves the others; undefined takes one back. */
  configure(settings: { readonly [K in keyof Config]: Config[K] | undefined }): void {
    this.#write('config.json', { ...this.config(), ...settings });
  }

  /** Returns the token of the local engine, or undefined where none was made yet. */
  token(): string | undefined {
    return this.#text('token')?.trim() || undefined;
  }

  /** Returns the token that was kept for an address, or undefined. */
  login(address: string): string | undefined {
    return this.#json<Record<string, string>>(LOGINS)?.[address];
  }

  /** Keeps a token for an address, readable by its owner only; undefined forgets it. */
  keepLogin(address: string, token: string | undefined): void {
    const { [address]: _before, ...others } = this.#json<Record<string, string>>(LOGINS) ?? {};
    this.#write(LOGINS, token === undefined ? others : { ...others, [address]: token });
  }

  /** Returns the id of the transaction that changes are added to, or undefined. */
  transaction(): string | undefined {
    return this.#text('transaction')?.trim() || undefined;
  }

  /** Makes a transaction the one that changes are added to, or none. */
  setTransaction(id: string | undefined): void {
    const file = join(this.folder, 'transaction');
    try {
      if (id === undefined) {
        rmSync(file, { force: true });
        return;
      }
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      writeFileSync(file, `${id}\n`);
    } catch (error) {
      throw fileError(`write "${file}"`, error);
    }
  }

  /** Writes a document that only its owner may read. */
  #write(name: string, document: object): void {
    const file = join(this.folder, name);
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      // Whole or not at all: others read it at any time.
      rmSync(`${file}.new`, { force: true });
      writeFileSync(`${file}.new`, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch (error) {
      throw fileError(`write "${file}"`, error);
    }
  }

  #text(name: string): string | undefined {
    const file = join(this.folder, name);
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') {
        return undefined;
      }
      throw fileError(`read "${file}"`, error);
    }
  }

  #json<T>(name: string): T | undefined {
    const text = this.#text(name);
    // The file is empty for an instant while another process writes it.
    if (!text) {
      return undefined;
    }
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      const file = join(this.folder, name);
      throw failure('io', `Cannot read "${file}": it is damaged; remove it and try again`, cause);
    }
  }
}
