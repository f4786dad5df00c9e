// The format of a page of rows: gzip of JSON lines `["<key>",<value>]`. Snapshots and history are made of pages.

import { gunzip, gzip } from 'node:zlib';
import { EngineError, isEngineError } from '../base/errors.ts';
import type { ObjectStore } from '../object/object-store.ts';

/** Fast, and half as large as the plain text of records. */
const GZIP_LEVEL = 3;

/** Returns the text of one row, without the line feed. */
export function encodeRow(key: string, value: unknown): string {
  return `[${JSON.stringify(key)},${JSON.stringify(value)}]`;
}

/** Returns the key of a row without parsing its value. */
export function keyOfRow(row: string): string {
  const end = row.indexOf('",', 2);
  const key = row.slice(2, end);
  return key.includes('\\') ? (JSON.parse(row) as [string, unknown])[0] : key;
}

/** Returns the value of a row. */
export function valueOfRow(row: string): unknown {
  return (JSON.parse(row) as [string, unknown])[1];
}

/** Returns whether the value of a row is null. */
export function isDeleteRow(row: string): boolean {
  // Null inside a value is followed by that value's own bracket.
  return row.endsWith(',null]');
}

/** Returns the bytes of a page; compressed off the main thread. */
export function encodePage(rows: readonly string[]): Promise<Buffer> {
  const text = `${rows.join('\n')}\n`;
  return new Promise((resolve, reject) => {
    gzip(text, { level: GZIP_LEVEL }, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  });
}

/** Reads a page of `count` rows, or of any number where that is -1. Anything else, and its absence, is `corrupt` and names the key. */
export async function readPage(
  store: ObjectStore,
  page: { readonly key: string; readonly count: number },
): Promise<string[]> {
  try {
    return await readRows(store, page, false);
  } catch (error) {
    if (!isEngineError(error, 'corrupt')) {
      throw error;
    }
    // Damaged on its way, perhaps, or in a cache.
    return await readRows(store, page, true);
  }
}

async function readRows(
  store: ObjectStore,
  page: { readonly key: string; readonly count: number },
  fresh: boolean,
): Promise<string[]> {
  const { key, count } = page;
  let bytes: Buffer;
  try {
    bytes = await store.get(key, { fresh });
  } catch (cause) {
    if (cause instanceof EngineError && cause.code !== 'not_found') {
      throw cause;
    }
    throw damagedPage(key, cause);
  }
  const rows = await inflate(bytes, key);
  if (count >= 0 && rows.length !== count) {
    throw damagedPage(key, undefined);
  }
  return rows;
}

async function inflate(bytes: Buffer, key: string): Promise<string[]> {
  const text = await new Promise<string>((resolve, reject) => {
    gunzip(bytes, (error, plain) =>
      error ? reject(damagedPage(key, error)) : resolve(plain.toString()),
    );
  });
  const rows = text.split('\n');
  rows.pop();
  return rows;
}

function damagedPage(key: string, cause: unknown): EngineError {
  return new EngineError(
    'corrupt',
    `Cannot read page "${key}": it is missing or damaged; restore this object of the bucket from a copy`,
    { cause, details: { key } },
  );
}
