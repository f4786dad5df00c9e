// What an engine's answers hold: text, documents, problems.

import { type Problem, VERSION_HEADER } from '../engine/server/wire.ts';
import type { ApiResponse } from './transport.ts';

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
