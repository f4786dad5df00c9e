// Carries requests by `fetch`, as pages do: to the engine that the page came from, with its cookie.

import { ApiError } from './api-error.ts';
import { CutOff } from './json-lines.ts';
import type { ApiRequest, ApiResponse, Transport } from './transport.ts';

/** Before the second try; before the third it is longer. */
const FIRST_PAUSE_MS = 100;
const LONGER = 4;

export interface FetchOptions {
  /** Where the engine is, without a slash at the end; empty: where the page came from. */
  readonly base?: string;
  /** Asked for each request; for those who have no cookie. */
  readonly token?: () => string | undefined;
}

/** Returns a transport by `fetch`. */
export function fetchTransport({ base = '', token }: FetchOptions = {}): Transport {
  return {
    async send(request) {
      const { method, path, body, signal } = request;
      const response = await fetch(base + path, {
        method,
        headers: {
          ...request.headers,
          ...authorization(token?.()),
        },
        credentials: 'same-origin',
        ...(signal ? { signal } : {}),
        ...(body === undefined ? {} : { body: bodyOf(body) }),
      });
      return answerOf(response);
    },
    // It says no more than that something failed; what was aborted is no such error.
    isBroken: (error) => error instanceof TypeError,
    pause,
    explain,
  };
}

/** An engine that is being started again may need a moment: `fetch` fails the same where nothing listens. */
async function pause(tries: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const ms = FIRST_PAUSE_MS * LONGER ** (tries - 1);
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function explain(error: unknown, when: string): unknown {
  if (error instanceof CutOff) {
    return new ApiError({ status: 0, code: 'broken', detail: error.message }, { cause: error });
  }
  if (error instanceof TypeError) {
    const detail = `Cannot reach the engine: the connection failed ${when}; try again, or start it with pfs engine start`;
    return new ApiError({ status: 0, code: 'unreachable', detail }, { cause: error });
  }
  return error;
}

/** Returns the header that says who asks; none where a cookie does. */
export function authorization(token: string | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** Browsers send no streams over HTTP/1.1: what is sent to be read once is of no use here. */
function bodyOf(body: NonNullable<ApiRequest['body']>): string | Blob {
  if (typeof body === 'string' || body instanceof Blob) {
    return body;
  }
  throw new Error('Cannot send a stream from a page: send a Blob');
}

function answerOf(response: Response): ApiResponse {
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    bytes: chunksOf(response),
  };
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null) {
    return;
  }
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      yield value as Uint8Array;
    }
  } finally {
    // Of one that has ended this does nothing.
    await reader.cancel().catch(() => undefined);
  }
}
