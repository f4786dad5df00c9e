// Carries what is large to the engine: with progress, which `fetch` does not tell, and without holding it in memory.

import { ApiError } from '../../client/api-error.ts';
import { authorization } from '../../client/fetch-transport.ts';
import type { ApiRequest, ApiResponse } from '../../client/transport.ts';
import { bearer } from './session.ts';

/** Sends a request, and resolves with the answer once all of it is there. Aborting ends it, and the engine keeps nothing of what came. */
export function sendWithProgress(asked: ApiRequest): Promise<ApiResponse> {
  const { method, path, headers, body, onProgress, signal } = asked;
  const request = new XMLHttpRequest();
  return new Promise<ApiResponse>((resolve, reject) => {
    request.open(method, path);
    for (const [name, value] of Object.entries({ ...headers, ...authorization(bearer()) })) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(loaded, total);
    request.onload = () => resolve(answerOf(request));
    request.onerror = () => {
      const detail =
        'Cannot send the files: the connection broke, or a file was changed or taken away meanwhile; nothing was stored, try again';
      reject(new ApiError({ status: 0, code: 'broken', detail }));
    };
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    signal?.addEventListener('abort', () => request.abort());
    request.send(body as Blob | string | undefined);
  });
}

function answerOf(request: XMLHttpRequest): ApiResponse {
  return {
    status: request.status,
    header: (name) => request.getResponseHeader(name) ?? undefined,
    bytes: (async function* () {
      yield new TextEncoder().encode(request.responseText);
    })(),
  };
}
