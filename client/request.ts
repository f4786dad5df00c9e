// From an operation and what it is asked with to the request that is sent.

import type { Key } from '../engine/server/operations/types.ts';
import { TRANSACTION_HEADER } from '../engine/server/wire.ts';
import { pathOf, queryText } from './address.ts';
import { newKey } from './idempotency-key.ts';
import { mayRepeat } from './repeats.ts';
import type { AnswerMemory, ApiRequest } from './transport.ts';

/** What any operation may be asked with. */
export interface Loose {
  readonly params?: object | undefined;
  readonly query?: { readonly after?: unknown; readonly limit?: unknown } | undefined;
  readonly body?: unknown;
  readonly transaction?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly memory?: AnswerMemory | undefined;
}

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain; charset=utf-8';

/** Makes the request of an operation: documents go as JSON, text as it is, and writes under an idempotency key. */
export function requestOf(key: Key, asked: Loose = {}): ApiRequest {
  const { body, transaction, signal, memory } = asked;
  const method = key.slice(0, key.indexOf(' '));
  const headers: Record<string, string> = { accept: JSON_TYPE, ...asked.headers };
  if (method !== 'GET') {
    headers['idempotency-key'] = newKey();
  }
  if (transaction !== undefined) {
    headers[TRANSACTION_HEADER] = transaction;
  }
  const isText = typeof body === 'string';
  if (body !== undefined) {
    headers['content-type'] = isText ? TEXT_TYPE : JSON_TYPE;
  }
  return {
    method,
    path: pathOf(key, asked.params) + queryText(asked.query),
    headers,
    ...(mayRepeat(key) ? {} : { isSentOnce: true }),
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
    ...(memory ? { memory } : {}),
  };
}
