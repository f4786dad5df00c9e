// What an engine's answers hold: text, documents, problems. And what a request's path and query look like.

import { API_PREFIX, type Problem, VERSION_HEADER } from '../engine/server/wire.ts';
import type { ApiResponse } from './transport.ts';

/** Returns the path of an operation; every value becomes one encoded segment. */
export function pathOf(template: string, params: object = {}): string {
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) =>
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

/** Returns all that an answer holds. */
export async function readText({ bytes }: Pick<ApiResponse, 'bytes'>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of bytes) {
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Returns the problem of an answer that tells of one. */
export function parseProblem(text: string): Problem | undefined {
  try {
    const problem = JSON.parse(text) as Partial<Problem>;
    const isProblem = typeof problem.code === 'string' && typeof problem.detail === 'string';
    return isProblem ? (problem as Problem) : undefined;
  } catch {
    // Something else answers, or the engine failed before it could write one.
    return undefined;
  }
}

/** Returns whether an answer is of an engine, whatever it says. */
export function isOfEngine(response: ApiResponse): boolean {
  return response.header(VERSION_HEADER) !== undefined;
}
