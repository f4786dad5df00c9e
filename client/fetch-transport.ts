// Carries requests by `fetch`, as pages do: to the engine that the page came from, with its cookie.

import type { ApiRequest, ApiResponse, Transport } from './transport.ts';

export interface FetchOptions {
  /** Where the engine is, without a slash at the end; empty: where the page came from. */
  readonly base?: string;
  /** For programs that have no cookie. */
  readonly token?: string;
  /** Ends all that goes on when it aborts. */
  readonly signal?: AbortSignal;
}

/** Returns a transport by `fetch`. */
export function fetchTransport({ base = '', token, signal }: FetchOptions = {}): Transport {
  return {
    async send(request) {
      const { method, path, body } = request;
      const response = await fetch(base + path, {
        method,
        headers: {
          ...request.headers,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        credentials: 'same-origin',
        ...(signal ? { signal } : {}),
        ...(body === undefined ? {} : { body: bodyOf(body) }),
      });
      return answerOf(response);
    },
    // It says no more than that something failed; what was aborted is no such error.
    isBroken: (error) => error instanceof TypeError,
    explain: (error) =>
      error instanceof TypeError
        ? new Error('The engine does not answer; see whether it runs, and try again', {
            cause: error,
          })
        : error,
  };
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
