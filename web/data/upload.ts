// Sending what is large: with progress, which `fetch` does not tell, and without holding it in memory.

import type { Problem } from '../../engine/server/wire.ts';
import { ApiError, addressOf, type Query } from './api.ts';
import { bearer, needsSignIn } from './session.ts';

/** Sends a body, and resolves with the answer. Aborting ends it, and the engine keeps nothing of what came. */
export function upload<T>(
  path: string,
  sending: {
    readonly query: Query;
    readonly body: Blob;
    readonly type: string;
    readonly key: string;
    readonly onProgress: (sent: number, total: number) => void;
    readonly signal: AbortSignal;
  },
): Promise<T> {
  const { query, body, type, key, onProgress, signal } = sending;
  const request = new XMLHttpRequest();
  return new Promise<T>((resolve, reject) => {
    const fail = (detail: string) => reject(new ApiError({ status: 0, code: 'broken', detail }));
    request.open('POST', addressOf(path, query));
    request.setRequestHeader('content-type', type);
    request.setRequestHeader('idempotency-key', key);
    const token = bearer();
    if (token !== undefined) {
      request.setRequestHeader('authorization', `Bearer ${token}`);
    }
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    request.onload = () => {
      try {
        const answer: unknown = JSON.parse(request.responseText);
        if (request.status < 300) {
          resolve(answer as T);
        } else {
          needsSignIn.value ||= request.status === 401;
          reject(new ApiError(answer as Problem));
        }
      } catch {
        fail(`Cannot read the answer of the engine: it came with status ${request.status}`);
      }
    };
    request.onerror = () =>
      fail(
        'Cannot send the files: the connection broke, or a file was changed or taken away meanwhile; nothing was stored, try again',
      );
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    signal.addEventListener('abort', () => request.abort());
    request.send(body);
  });
}
