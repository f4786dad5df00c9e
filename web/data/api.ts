// Speaking to the engine: requests as the API has them, errors as sentences. The only file of the page that fetches.

import type { Page, Problem } from '../../engine/server/wire.ts';
import { bearer, needsSignIn, signedIn } from './session.ts';

const PREFIX = '/api/v1';

/** Who one is: asked about it, the engine is never asked again. */
export const SESSION = '/session';

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** What a request may say. */
export interface Ask {
  readonly query?: Query;
  /** An object is sent as JSON, text as it is, and blobs under their own type. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Why a request failed, for the person who meets it. `status` is 0 where the engine did not answer. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(problem: Pick<Problem, 'detail' | 'status' | 'code'>, options?: ErrorOptions) {
    super(problem.detail, options);
    this.status = problem.status;
    this.code = problem.code;
  }
}

/** Returns the address of a resource, for links and for elements that load by themselves. */
export function addressOf(path: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === false || value === '' ? [] : [[name, String(value)]],
  );
  const text = new URLSearchParams(given).toString();
  return PREFIX + path + (text === '' ? '' : `?${text}`);
}

/** Sends a request and resolves with the response, once it has begun well; rejects with an `ApiError`. */
export async function open(method: string, path: string, ask: Ask = {}): Promise<Response> {
  const { body, signal } = ask;
  const headers = new Headers(ask.headers);
  const token = bearer();
  if (token !== undefined) {
    headers.set('authorization', `Bearer ${token}`);
  }
  if (method !== 'GET') {
    headers.set('idempotency-key', newKey());
  }
  const isJson = body !== undefined && typeof body !== 'string' && !(body instanceof Blob);
  if (isJson) {
    headers.set('content-type', 'application/json');
  } else if (typeof body === 'string') {
    headers.set('content-type', 'text/plain; charset=utf-8');
  }
  const init: RequestInit = { method, headers, credentials: 'same-origin' };
  if (body !== undefined) {
    init.body = isJson ? JSON.stringify(body) : (body as string | Blob);
  }
  if (signal) {
    init.signal = signal;
  }
  let response: Response;
  try {
    response = await fetch(addressOf(path, ask.query), init);
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    const detail = 'Cannot reach the engine: it does not answer; pfs engine start starts it';
    throw new ApiError({ status: 0, code: 'unreachable', detail }, { cause: error });
  }
  if (!response.ok) {
    const failure = await failureOf(response);
    if (failure.status === 401 && method === 'GET' && path !== SESSION) {
      // What was only read is read once somebody has signed in; what changes something is theirs to try again.
      await signedIn(signal);
      return await open(method, path, ask);
    }
    throw failure;
  }
  return response;
}

/** Asks for a document. */
export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await (await open('GET', path, { query, signal })).json()) as T;
}

/** Makes a change and returns the answer; undefined where there is nothing to say. */
export async function send<T>(method: string, path: string, ask: Ask = {}): Promise<T> {
  const response = await open(method, path, ask);
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Returns all items of a list, or the first `most`. */
export async function getAll<T>(
  path: string,
  query: Query = {},
  options: { readonly most?: number; readonly signal?: AbortSignal } = {},
): Promise<readonly T[]> {
  const { most = Number.POSITIVE_INFINITY, signal } = options;
  const items: T[] = [];
  let after: string | undefined;
  do {
    const limit = Math.min(10_000, most - items.length);
    const page: Page<T> = await get(path, { ...query, limit, after }, signal);
    items.push(...page.items);
    after = page.next ?? undefined;
  } while (after !== undefined && items.length < most);
  return items;
}

/** Yields the documents of a stream of JSON lines as they come. */
export async function* lines<T>(
  path: string,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const { body } = await open('GET', path, { query, signal });
  for await (const line of textLines(body)) {
    if (line === '') {
      continue;
    }
    const document = JSON.parse(line) as T | { readonly problem: Problem };
    if (typeof document === 'object' && document !== null && 'problem' in document) {
      throw new ApiError(document.problem);
    }
    yield document as T;
  }
}

/** Yields the lines of a body as they come. */
export async function* textLines(body: ReadableStream<Uint8Array> | null): AsyncGenerator<string> {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      const pieces = (rest + decoder.decode(part.value, { stream: true })).split('\n');
      rest = pieces.pop() ?? '';
      yield* pieces;
    }
    if (rest !== '') {
      yield rest;
    }
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}

/** Returns an error as one that can be shown. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError
    ? error
    : new ApiError(
        {
          status: -1,
          code: 'internal',
          detail: `Cannot show this: the page has met an error of its own: ${String(error)}`,
        },
        { cause: error },
      );
}

async function failureOf(response: Response): Promise<ApiError> {
  const { status } = response;
  if (status === 401) {
    needsSignIn.value = true;
  }
  try {
    return new ApiError((await response.json()) as Problem);
  } catch {
    const detail = `Cannot read the answer of the engine: it came with status ${status}`;
    return new ApiError({ status, code: 'internal', detail });
  }
}

/** Returns a key under which a write may be tried again. */
export function newKey(): string {
  // Without `randomUUID`, which browsers keep from pages that came without TLS.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
