// What an engine's answers hold: text, documents, problems. And what a request's query looks like.

import type { IncomingMessage } from 'node:http';
import { type Problem, VERSION_HEADER } from '../engine/server/wire.ts';
import { CliError, failure, problemError } from './cli-error.ts';
import type { Query } from './client.ts';

/** Returns a query as it stands in a URL. */
export function queryText(query: Query = {}): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** Returns all that an answer holds. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Returns the document of an answer; undefined for an empty one. */
export function parseBody(text: string, address: string): unknown {
  if (text === '') {
    return undefined;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw noEngine(address, cause);
  }
}

function noEngine(address: string, cause?: unknown): CliError {
  return failure(
    'unreachable',
    `Cannot understand what answers at ${address}: it is not a pfs engine; check PFS_ADDRESS`,
    cause,
  );
}

/** Returns the error that an answer tells of. */
export async function readProblem(response: IncomingMessage, address: string): Promise<CliError> {
  const text = await readText(response);
  const status = response.statusCode ?? 0;
  let problem: Partial<Problem> | undefined;
  try {
    problem = JSON.parse(text) as Partial<Problem>;
  } catch {
    // Not a problem document: something else answers, or the engine failed before it could write one.
  }
  if (problem && typeof problem.code === 'string' && typeof problem.detail === 'string') {
    return problemError(problem as Problem);
  }
  if (response.headers[VERSION_HEADER] === undefined) {
    return noEngine(address);
  }
  return new CliError(
    status === 401 || status === 403 ? 'unauthenticated' : 'internal',
    `The engine answered with status ${status} and no reason; see pfs engine logs`,
  );
}
