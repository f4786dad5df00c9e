// From what a spec says of its egress to the place that takes outputs. Which places there may be is the engine's to say.

import { realpath } from 'node:fs/promises';
import { isAbsolute, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngineError, isEngineError } from '../base/errors.ts';
import { parseStoreUrl, type StoreUrl } from '../object/store-url.ts';
import { DirectoryTarget } from './directory-target.ts';
import type { EgressTarget, Outgoing } from './outgoing.ts';
import { Postgres } from './postgres.ts';
import type { RowFormat } from './rows.ts';
import { S3Target } from './s3-target.ts';
import { SqlTarget } from './sql-target.ts';
import { Sqlite } from './sqlite.ts';

/** What the owner of an engine says of egress. */
export interface EgressSettings {
  /** Absolute directories below which files and SQLite databases may be written. */
  readonly directories: readonly string[];
  /** The engine's own, into which nothing may go. */
  readonly forbidden: readonly string[];
  readonly store: StoreUrl;
  readonly credentials: S3Credentials;
  /** The S3 server of addresses that name none. */
  readonly endpoint: string | undefined;
  /** How long what may heal is tried again, in milliseconds. */
  readonly retryMs: number;
}

export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
}

/** What a spec says, with what its secrets hold. */
export interface EgressWish {
  /** `s3://…` or `file://…`. */
  readonly files?: { readonly url: string; readonly credentials: S3Credentials | undefined };
  readonly tables?: {
    /** `postgresql://…` or `sqlite://…`. */
    readonly url: string;
    readonly password: string | undefined;
    readonly format: RowFormat;
    readonly columns: readonly string[] | undefined;
  };
}

/** Returns the places that a spec names. Rejects with `invalid` or `failed_precondition` one that can't be. */
export function egressTargets(
  wish: EgressWish,
  options: { readonly settings: EgressSettings; readonly sender: string },
): EgressTarget[] {
  const { settings, sender } = options;
  const targets: EgressTarget[] = [];
  if (wish.files) {
    targets.push(filesTarget(wish.files, { settings, sender }));
  }
  if (wish.tables) {
    const { url, password, format, columns } = wish.tables;
    if (/^postgres(ql)?:/i.test(url)) {
      targets.push(new SqlTarget(new Postgres(url, password), { format, columns }));
    } else {
      targets.push(new SqliteTarget(sqliteFile(url), { format, columns, settings }));
    }
  }
  return targets;
}

function filesTarget(
  wish: NonNullable<EgressWish['files']>,
  options: { readonly settings: EgressSettings; readonly sender: string },
): EgressTarget {
  const { settings, sender } = options;
  const { directories: allowed, forbidden, store, endpoint } = settings;
  if (wish.url.toLowerCase().startsWith('file:')) {
    const directory = directoryOf(wish.url);
    return new DirectoryTarget({ directory, allowed, forbidden, sender });
  }
  const place = parseStoreUrl(withEndpoint(wish.url, endpoint));
  if (place.kind !== 's3') {
    throw new EngineError('invalid', `Cannot send to "${wish.url}": write s3://bucket/prefix`);
  }
  const isOwn =
    store.kind === 's3' &&
    store.bucket === place.bucket &&
    store.endpoint === place.endpoint &&
    (isWithin(place.prefix, store.prefix) || isWithin(store.prefix, place.prefix));
  if (isOwn) {
    throw new EngineError(
      'failed_precondition',
      `Cannot send to "${wish.url}": the store of the engine is there; choose another bucket or prefix`,
    );
  }
  return new S3Target({ ...place, ...(wish.credentials ?? settings.credentials) });
}

/** A server given for all addresses counts where the address names none. */
function withEndpoint(url: string, endpoint: string | undefined): string {
  if (endpoint === undefined || /[?&]endpoint=/.test(url)) {
    return url;
  }
  return `${url}${url.includes('?') ? '&' : '?'}endpoint=${encodeURIComponent(endpoint)}`;
}

function isWithin(prefix: string, other: string): boolean {
  return other === '' || prefix === other || prefix.startsWith(`${other}/`);
}

function directoryOf(url: string): string {
  try {
    return normalize(fileURLToPath(url)).replace(/(?<=.)\/+$/, '');
  } catch (cause) {
    throw notDirectory(url, cause);
  }
}

function notDirectory(url: string, cause: unknown): EngineError {
  return new EngineError('invalid', `Cannot send to "${url}": write file:///absolute/directory`, {
    cause,
  });
}

function sqliteFile(url: string): string {
  const file = normalize(decodeURIComponent(url.replace(/^sqlite:(?:\/\/)?/i, '')));
  if (!isAbsolute(file)) {
    throw new EngineError('invalid', `Cannot write to "${url}": write sqlite:///absolute/file.db`);
  }
  return file;
}

/** A SQLite file: where it really is must be allowed. */
class SqliteTarget implements EgressTarget {
  readonly name: string;
  readonly #file: string;
  readonly #options: {
    readonly format: RowFormat;
    readonly columns: readonly string[] | undefined;
    readonly settings: EgressSettings;
  };

  constructor(
    file: string,
    options: {
      readonly format: RowFormat;
      readonly columns: readonly string[] | undefined;
      readonly settings: EgressSettings;
    },
  ) {
    this.name = `sqlite://${file}`;
    this.#file = file;
    this.#options = options;
  }

  async send(outgoing: Outgoing, signal: AbortSignal): Promise<void> {
    const { settings, ...shape } = this.#options;
    const refuse = (why: string): never => {
      throw new EngineError('failed_precondition', `Cannot write to ${this.name}: ${why}`);
    };
    const real = await realpath(this.#file).catch(() =>
      refuse('there is no such database; create it, with its tables'),
    );
    const places = await Promise.all(
      settings.directories.map((directory) => realpath(directory).catch(() => directory)),
    );
    if (!places.some((directory) => real.startsWith(`${directory}/`))) {
      refuse(
        'it is not below a directory that the engine allows; its owner can, with PFS_EGRESS_DIRECTORIES=/some/directory',
      );
    }
    for (const own of settings.forbidden) {
      const directory = await realpath(own).catch(() => own);
      if (real.startsWith(`${directory}/`)) {
        refuse("it is among the engine's own files; choose another place");
      }
    }
    await new SqlTarget(new Sqlite(real), shape).send(outgoing, signal);
  }
}

/** Returns whether trying again may help. */
export function mayHeal(error: unknown): boolean {
  return isEngineError(error, 'unavailable');
}
