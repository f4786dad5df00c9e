// Where an operation is asked for: the path and the query of its URL.

import type { Key } from '../engine/server/operations/types.ts';
import { API_PREFIX } from '../engine/server/wire.ts';
import type { Rest } from './asked.ts';

/** Returns the path and query of an operation, from the root; for links, and for elements that load by themselves. */
export function addressOf<K extends Key>(key: K, ...[asked]: Rest<K>): string {
  return pathOf(key, asked?.params) + queryText(asked?.query);
}

/** Returns the path of an operation; every value becomes one encoded segment. */
export function pathOf(key: Key, params: object = {}): string {
  const path = key
    .slice(key.indexOf('/'))
    .replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent((params as Readonly<Record<string, string>>)[name] ?? ''),
    );
  return API_PREFIX + path;
}

/** Returns a query as it stands in a URL; what is undefined or false is left out. */
export function queryText(query: object = {}): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
