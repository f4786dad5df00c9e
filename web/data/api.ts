// The engine, as the page asks it: the client of the API over this browser, with errors as sentences.

import { addressOf } from '../../client/address.ts';
import { readText } from '../../client/answers.ts';
import { ApiError } from '../../client/api-error.ts';
import { Client } from '../../client/client.ts';
import { fetchTransport } from '../../client/fetch-transport.ts';
import type { ApiRequest, ApiResponse } from '../../client/transport.ts';
import { bearer, needsSignIn, signedIn } from './session.ts';
import { sendWithProgress } from './upload.ts';

/** Who one is: asked about it, the engine is never asked again. */
const SESSION = addressOf('GET /session');

const byFetch = fetchTransport({ token: bearer });

/** The engine that the page came from. */
export const engine = new Client({
  transport: { ...byFetch, send },
  errorOfStranger: ({ status, cause }) => {
    const detail = `Cannot read the answer of the engine: it came with status ${status}`;
    return new ApiError({ status, code: 'internal', detail }, { cause });
  },
});

async function send(request: ApiRequest): Promise<ApiResponse> {
  const response = await (request.onProgress ? sendWithProgress(request) : byFetch.send(request));
  if (response.status !== 401) {
    return response;
  }
  needsSignIn.value = true;
  if (request.method !== 'GET' || request.path === SESSION) {
    return response;
  }
  // What was only read is read once somebody has signed in; what changes something is theirs to try again.
  await readText(response);
  await signedIn(request.signal);
  return await send(request);
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
