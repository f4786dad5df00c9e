// The format of one object of the log. It knows nothing of what the operations mean.

import { EngineError } from '../base/errors.ts';
import { encodeSummed, hasRightSum } from './checksum.ts';
import type { Entry, Transaction } from './definition.ts';

/**
 * Returns the bytes of an entry: one JSON object
 * `{"sum","seq","time","engine","writeId","transactions":[{"request"?,"actor","operations":[…],"result"?},…]}`.
 * `transactions` are the texts that {@link encodeTransaction} gave.
 */
export function encodeEntry(
  head: Omit<Entry, 'transactions'>,
  transactions: readonly string[],
): Buffer {
  const { seq, time, engine, writeId } = head;
  const start = JSON.stringify({ seq, time, engine, writeId }).slice(0, -1);
  return encodeSummed(`${start},"transactions":[\n${transactions.join(',\n')}\n]}\n`);
}

/** Returns the JSON text of one transaction. */
export function encodeTransaction(transaction: Transaction): string {
  const { request, actor, operations, result } = transaction;
  return JSON.stringify({ request, actor, operations, result });
}

/** Reads an entry back. Bytes that are not the entry `seq` are `corrupt`, and the error names the key. */
export function decodeEntry(
  bytes: Uint8Array,
  at: { readonly seq: number; readonly key: string },
): Entry {
  if (!hasRightSum(bytes)) {
    throw damaged(at.key, {});
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch (cause) {
    throw damaged(at.key, { cause });
  }
  if (!isEntry(value) || value.seq !== at.seq) {
    throw damaged(at.key, {});
  }
  return value;
}

function damaged(key: string, options: { cause?: unknown }): EngineError {
  return new EngineError(
    'corrupt',
    `Cannot read journal entry "${key}": it is damaged; restore this object of the bucket from a copy`,
    { ...options, details: { key } },
  );
}

function isEntry(value: unknown): value is Entry {
  const entry = value as Partial<Entry> | null;
  return (
    typeof entry === 'object' &&
    entry !== null &&
    typeof entry.seq === 'number' &&
    typeof entry.time === 'number' &&
    typeof entry.engine === 'string' &&
    typeof entry.writeId === 'string' &&
    Array.isArray(entry.transactions) &&
    entry.transactions.every(isTransaction)
  );
}

function isTransaction(value: unknown): value is Transaction {
  const transaction = value as Partial<Transaction> | null;
  return (
    typeof transaction === 'object' &&
    transaction !== null &&
    typeof transaction.actor === 'string' &&
    Array.isArray(transaction.operations) &&
    (transaction.request === undefined || typeof transaction.request === 'string')
  );
}
