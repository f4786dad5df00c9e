// How a secret is written down by people: as Kubernetes does, in JSON or YAML. No message quotes what is in it.

import { parseAllDocuments } from 'yaml';
import { EngineError } from '../base/errors.ts';

/** Values by name, and what kind of secret they make. */
export interface SecretContent {
  readonly type: string;
  readonly values: ReadonlyMap<string, Buffer>;
}

export interface SecretDocument extends SecretContent {
  /** Undefined where the document does not say. */
  readonly name?: string;
}

export const OPAQUE = 'Opaque';
/** As much as Kubernetes takes. */
const MAX_BYTES = 1024 * 1024;
const NAME = /^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,251}[a-zA-Z0-9])?$/;
const KEY = /^[a-zA-Z0-9._-]{1,253}$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Rejects with `invalid` a name that no secret can have. */
export function checkSecretName(name: string): void {
  if (!NAME.test(name)) {
    throw new EngineError(
      'invalid',
      `Cannot name a secret "${name}": use letters, digits, "-", "_" and ".", up to 253, with a letter or digit at both ends`,
    );
  }
}

/** Rejects with `invalid` values that can't be shown as files, are too many bytes, or are none. */
export function checkValues(name: string, values: ReadonlyMap<string, Buffer>): void {
  const refuse = (why: string): never => {
    throw new EngineError('invalid', `Cannot put secret "${name}": ${why}`);
  };
  if (values.size === 0) {
    refuse('it has no values; give at least one');
  }
  let bytes = 0;
  for (const [key, value] of values) {
    if (!KEY.test(key) || key === '.' || key.startsWith('..')) {
      refuse(
        `"${key}" can't be the name of a value; use letters, digits, "-", "_" and ".", and do not begin with ".."`,
      );
    }
    bytes += key.length + value.length;
  }
  if (bytes > MAX_BYTES) {
    refuse(`it is larger than ${MAX_BYTES / 1024} KiB; keep large files in a repo`);
  }
}

/**
 * Reads the document of one secret: `metadata.name`, `type`, `data` in base64, `stringData` as it is. Rejects with `invalid`
 * what is none.
 */
export function parseSecret(text: string, fileName: string): SecretDocument {
  const refuse = (why: string): never => {
    throw new EngineError('invalid', `Cannot read the secret "${fileName}": ${why}`);
  };
  const document = fields(readOne(text, refuse));
  if (document === undefined) {
    return refuse(
      'it is no object; write it as Kubernetes does: {"metadata": {"name": …}, "stringData": {…}}',
    );
  }
  if (document.kind !== undefined && document.kind !== 'Secret') {
    refuse('its kind is not "Secret"');
  }
  const values = new Map<string, Buffer>();
  for (const [key, value] of entries(document.data, 'data', refuse)) {
    const packed = value.replaceAll(/\s/g, '');
    if (!BASE64.test(packed) || packed.length % 4 !== 0) {
      refuse(`data.${key} is not base64; put text as it is into stringData`);
    }
    values.set(key, Buffer.from(packed, 'base64'));
  }
  for (const [key, value] of entries(document.stringData, 'stringData', refuse)) {
    values.set(key, Buffer.from(value));
  }
  const { name } = fields(document.metadata) ?? {};
  const { type = OPAQUE } = document;
  if (typeof type !== 'string') {
    return refuse('its type must be text');
  }
  return { ...(typeof name === 'string' ? { name } : {}), type, values };
}

type Refuse = (why: string) => never;

function readOne(text: string, refuse: Refuse): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Messages of the parsers would quote the text.
  }
  const documents = parseAllDocuments(text, { prettyErrors: false, logLevel: 'silent' });
  if (!Array.isArray(documents) || documents.length !== 1) {
    return refuse('it holds none or several documents; give one');
  }
  const [document] = documents;
  const [error] = document?.errors ?? [];
  if (error) {
    const line = text.slice(0, error.pos[0]).split('\n').length;
    return refuse(`it is neither JSON nor YAML; look at line ${line}`);
  }
  return document?.toJS({ maxAliasCount: 0 });
}

function* entries(value: unknown, field: string, refuse: Refuse): Generator<[string, string]> {
  if (value === undefined || value === null) {
    return;
  }
  const found = fields(value);
  if (found === undefined) {
    refuse(`${field} is no object of values by name`);
  }
  for (const [key, one] of Object.entries(found ?? {})) {
    if (typeof one !== 'string') {
      refuse(`${field}.${key} must be text; put it into quotes`);
    }
    yield [key, String(one)];
  }
}

function fields(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
