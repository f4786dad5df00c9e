// Secrets: putting, deleting and opening them. What is journaled, answered and logged of one never holds a value.

import type { Sealer } from '../auth/tokens.ts';
import { EngineError, errorText } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { SecretRecord } from '../journal/secret-records.ts';
import type { State } from '../journal/state.ts';
import { makeChange } from '../pfs/change.ts';
import type { PfsContext, Request } from '../pfs/context.ts';
import type { KeyRing } from './key-ring.ts';
import { seal, unseal } from './sealing.ts';
import { checkSecretName, checkValues, type SecretContent } from './secret-document.ts';

export interface PutSecret extends SecretContent {
  readonly name: string;
  /** Change one that is there, which then must be; otherwise one that is there is an error. */
  readonly update: boolean;
}

/** A secret with its values. */
export interface OpenSecret {
  readonly name: string;
  readonly version: number;
  readonly type: string;
  readonly values: ReadonlyMap<string, Buffer>;
}

/** The secrets of a store, as far as this home has their keys. */
export class Secrets {
  readonly keys: KeyRing;
  readonly #context: PfsContext;
  readonly #random: Random;

  constructor(context: PfsContext, options: { readonly keys: KeyRing; readonly random: Random }) {
    this.#context = context;
    this.keys = options.keys;
    this.#random = options.random;
  }

  get #state(): State {
    return this.#context.journal.state;
  }

  /** Returns all secrets, by name. */
  list(): SecretRecord[] {
    return [...this.#state.secrets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Returns a secret; `not_found` where there is none. */
  find(name: string): SecretRecord {
    return findIn(this.#state, name);
  }

  /**
   * Makes a secret, or its next version. Rejects with `already_exists`, `not_found`, `invalid`, and with `failed_precondition`
   * where this home lacks the key of the others.
   */
  async put(put: PutSecret, request: Request): Promise<SecretRecord> {
    const { name, type, values, update } = put;
    checkSecretName(name);
    checkValues(name, values);
    // Durable before anything is encrypted with it.
    const spare =
      this.keys.ids().at(-1) ??
      (this.#others(this.#state, name).length === 0 ? this.keys.make() : undefined);
    return await makeChange(this.#context, request, (change) => {
      const { state, time, context } = change;
      const known = state.secrets.get(name);
      if (known && !update) {
        throw new EngineError(
          'already_exists',
          `Cannot create secret "${name}": it already exists; change its values with pfs update-secret`,
        );
      }
      if (!known && update) {
        return findIn(state, name);
      }
      const { id, created } = known ?? { id: context.ids.next(), created: time };
      const version = (known?.version ?? 0) + 1;
      const secret: SecretRecord = {
        name,
        id,
        version,
        type,
        created,
        updated: time,
        keys: [...values.keys()].sort(),
        sealed: seal(encodeValues(values), {
          key: this.#keyFor(state, name, spare),
          boundTo: boundTo({ name, id, version }),
          random: this.#random,
        }),
      };
      change.add({ kind: 'secret.put', secret });
      return secret;
    });
  }

  /** Deletes a secret; `not_found` where there is none. */
  async delete(name: string, request: Request): Promise<void> {
    await makeChange(this.#context, request, (change) => {
      findIn(change.state, name);
      change.add({ kind: 'secret.deleted', secret: name });
      return null;
    });
  }

  /** Returns the values of a secret; `not_found`, or `failed_precondition` where this home does not have its key. */
  open(name: string): OpenSecret {
    const secret = this.find(name);
    const { version, type, sealed } = secret;
    const key = this.keys.find(sealed.keyId);
    if (key === undefined) {
      throw new EngineError(
        'failed_precondition',
        `Cannot open secret "${name}": this engine does not have the key ${sealed.keyId} that it is encrypted with; bring it with pfs secret import-key, or give the values again with pfs update-secret`,
      );
    }
    try {
      const plain = unseal(sealed, { key, boundTo: boundTo(secret) });
      const values = Object.entries(JSON.parse(plain.toString()) as Record<string, string>);
      return {
        name,
        version,
        type,
        values: new Map(values.map(([one, value]) => [one, Buffer.from(value, 'base64')])),
      };
    } catch (error) {
      throw cannotOpen(name, error);
    }
  }

  /** Returns one value of a secret; rejects as {@link open} does, and with `not_found` where it has no such value. */
  value(name: string, key: string): Buffer {
    const { values } = this.open(name);
    const value = values.get(key);
    if (value === undefined) {
      throw lacksKey(name, { key, keys: [...values.keys()] });
    }
    return value;
  }

  /** Seals what else must be secret in the store, with the key of the secrets. */
  get sealer(): Sealer {
    return {
      seal: (plain, to) => {
        const spare = this.keys.ids().at(-1) ?? this.keys.make();
        const key = this.#keyFor(this.#state, '', spare);
        return seal(plain, { key, boundTo: to, random: this.#random });
      },
      open: (sealed, to) => {
        const key = this.keys.find(sealed.keyId);
        if (key === undefined) {
          throw new EngineError(
            'failed_precondition',
            `Cannot open a key for S3: this engine does not have the key ${sealed.keyId} that it is encrypted with; bring it with pfs secret import-key`,
          );
        }
        return unseal(sealed, { key, boundTo: to });
      },
    };
  }

  /** The key of the other secrets, so that one copy opens all; where there are none the one of id `spare`. */
  #keyFor(state: State, name: string, spare: string | undefined): Buffer {
    const others = this.#others(state, name);
    const ids = others.length > 0 ? others.map(({ sealed }) => sealed.keyId) : [spare ?? ''];
    for (const id of ids) {
      const key = this.keys.find(id);
      if (key) {
        return key;
      }
    }
    throw new EngineError(
      'failed_precondition',
      `Cannot put secret "${name}": this engine does not have the key ${ids[0]} of the others (${others.map((one) => one.name).join(', ')}); bring it with pfs secret import-key, or, if it is lost, delete them`,
    );
  }

  /** The other secrets, the newest first. */
  #others(state: State, name: string): SecretRecord[] {
    return [...state.secrets.values()]
      .filter((secret) => secret.name !== name)
      .sort((a, b) => b.updated - a.updated);
  }
}

function findIn(state: State, name: string): SecretRecord {
  const found = state.secrets.get(name);
  if (found === undefined) {
    throw new EngineError(
      'not_found',
      `Cannot find secret "${name}": there is none of that name; make it with pfs create-secret`,
    );
  }
  return found;
}

function encodeValues(values: ReadonlyMap<string, Buffer>): Buffer {
  const packed = [...values].map(([key, value]) => [key, value.toString('base64')] as const);
  return Buffer.from(JSON.stringify(Object.fromEntries(packed)));
}

/** The error for a secret that has no value of that name. */
export function lacksKey(
  name: string,
  options: { readonly key: string; readonly keys: readonly string[] },
): EngineError {
  return new EngineError(
    'not_found',
    `Cannot use secret "${name}": it has no value "${options.key}", only ${options.keys.join(', ')}`,
  );
}

function cannotOpen(name: string, cause: unknown): EngineError {
  return new EngineError('corrupt', `Cannot open secret "${name}": ${errorText(cause)}`, { cause });
}

function boundTo(secret: Pick<SecretRecord, 'name' | 'id' | 'version'>): string {
  return JSON.stringify(['pfs secret', secret.name, secret.id, secret.version]);
}
