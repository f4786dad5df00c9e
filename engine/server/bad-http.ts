// What clients are told of requests that are no HTTP, or come too slowly: no route ever sees those.

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { toProblem } from './problem.ts';
import { PROBLEM_TYPE } from './wire.ts';

const KNOWN: Readonly<Record<string, { readonly statusCode: number; readonly message: string }>> = {
  HPE_HEADER_OVERFLOW: { statusCode: 431, message: 'its headers are too large; send fewer' },
  ERR_HTTP_REQUEST_TIMEOUT: {
    statusCode: 408,
    message: 'its headers did not arrive in time; send it again',
  },
};
const MALFORMED = { statusCode: 400, message: 'it is no HTTP/1.1' };

/** Answers a request that can't be read, and ends its connection. */
export function refuseBadHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = toProblem(KNOWN[error.code ?? ''] ?? MALFORMED);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
