// The keys that open secrets: a file of the engine's home, for its owner only, and nowhere in the store. It is read whenever
// it is needed, and is durable before anything is encrypted with what is in it.

import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { EngineError, errorText, systemCode } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { KEY_BYTES, keyIdOf } from './sealing.ts';

/** A key as the file holds it. */
interface KeptKey {
  readonly id: string;
  /** Base64. */
  readonly key: string;
  /** In milliseconds since the Unix epoch. */
  readonly created: number;
  /** Whether it was given out, or came from a copy: somebody has it besides this file. */
  readonly isCopied: boolean;
}

/** How a key looks where people keep it: this, its id, its bytes in base64. */
const TEXT_PREFIX = 'pfs-secret-key-1';
const OWNER_ONLY = 0o600;

export interface KeyRingOptions {
  /** Absolute path of the file; its directory exists. */
  readonly file: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** The keys of one home. */
export class KeyRing {
  readonly #options: KeyRingOptions;

  constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  get file(): string {
    return this.#options.file;
  }

  /** Whether others than its owner may read the file. */
  get isOpenToOthers(): boolean {
    try {
      return (statSync(this.file).mode & 0o077) !== 0;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') {
        return false;
      }
      throw this.#unreadable(error);
    }
  }

  /** Returns the bytes of a key, or undefined where this home does not have it. */
  find(id: string): Buffer | undefined {
    const found = this.#read().find((kept) => kept.id === id);
    return found && Buffer.from(found.key, 'base64');
  }

  /** Returns the ids of all keys, the newest last. */
  ids(): readonly string[] {
    return this.#read().map(({ id }) => id);
  }

  /** Whether somebody has the key besides this home. */
  isCopied(id: string): boolean {
    return this.#read().some((kept) => kept.id === id && kept.isCopied);
  }

  /** Makes a key and returns its id, once it is durable. */
  make(): string {
    const { clock, random } = this.#options;
    const key = random.bytes(KEY_BYTES);
    const id = keyIdOf(key);
    const made = { id, key: key.toString('base64'), created: clock.now(), isCopied: false };
    this.#write([...this.#read(), made]);
    return id;
  }

  /** Returns all keys as text, one a line, and notes that there is a copy; `failed_precondition` where there is none. */
  exportText(): string {
    const keys = this.#read();
    if (keys.length === 0) {
      throw new EngineError(
        'failed_precondition',
        'Cannot export the key of secrets: there is none yet; it is made with the first secret',
      );
    }
    this.#write(keys.map((kept) => ({ ...kept, isCopied: true })));
    return keys.map(({ id, key }) => `${TEXT_PREFIX} ${id} ${key}\n`).join('');
  }

  /** Adds the keys of an exported text; returns their ids. Rejects with `invalid` what is none. */
  importText(text: string): readonly string[] {
    const lines = text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
    const added = lines.map((line, index) => this.#parse(line, index + 1));
    if (added.length === 0) {
      throw new EngineError('invalid', 'Cannot import a key of secrets: the text holds none');
    }
    const ids = new Set(added.map(({ id }) => id));
    const others = this.#read().filter(({ id }) => !ids.has(id));
    this.#write([...others, ...added]);
    return [...ids];
  }

  /** Messages never quote the line: it may be the key. */
  #parse(line: string, number: number): KeptKey {
    const [prefix, id = '', key = ''] = line.split(/\s+/);
    const bytes = Buffer.from(key, 'base64');
    if (prefix !== TEXT_PREFIX || bytes.length !== KEY_BYTES || keyIdOf(bytes) !== id) {
      throw new EngineError(
        'invalid',
        `Cannot import a key of secrets: line ${number} is none, or was damaged; give what pfs secret export-key printed`,
      );
    }
    return { id, key, created: this.#options.clock.now(), isCopied: true };
  }

  #read(): readonly KeptKey[] {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') {
        return [];
      }
      throw this.#unreadable(error);
    }
    const keys = parseKeys(text);
    if (keys === undefined) {
      throw new EngineError(
        'corrupt',
        `Cannot read the keys of secrets in "${this.file}": it is damaged; move it away, and bring a copy with pfs secret import-key`,
      );
    }
    return keys;
  }

  #write(keys: readonly KeptKey[]): void {
    const temporary = `${this.file}.${process.pid}`;
    try {
      const file = openSync(temporary, 'w', OWNER_ONLY);
      try {
        chmodSync(temporary, OWNER_ONLY);
        // All of it, unlike writeSync, which may take less and say so.
        writeFileSync(file, `${JSON.stringify({ keys }, null, 2)}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, this.file);
      const directory = openSync(dirname(this.file), 'r');
      try {
        fsyncSync(directory);
      } finally {
        closeSync(directory);
      }
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  #unwritable(cause: unknown): EngineError {
    return new EngineError(
      'unavailable',
      `Cannot keep the keys of secrets in "${this.file}": ${systemCode(cause) ?? errorText(cause)}; check the disk`,
      { cause },
    );
  }

  #unreadable(error: unknown): EngineError {
    return new EngineError(
      'unavailable',
      `Cannot read the keys of secrets in "${this.file}": ${systemCode(error) ?? errorText(error)}; check its permissions`,
      { cause: error },
    );
  }
}

/** Returns undefined for what is damaged: the cause would quote the file. */
function parseKeys(text: string): readonly KeptKey[] | undefined {
  try {
    return (JSON.parse(text) as { keys: readonly KeptKey[] }).keys;
  } catch {
    return undefined;
  }
}
