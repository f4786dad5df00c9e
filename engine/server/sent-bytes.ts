// Bytes that leave a piece at a time, each once the system has taken the one before: their memory can be used again and again.

import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** Resolves when the bytes are in the hands of the system and their memory may be used again; false where the client is gone. */
export function sent(response: ServerResponse, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    // An answer that waits for the one before it hears nothing of the end of their connection.
    const { socket } = response.req;
    if (response.destroyed || socket.destroyed) {
      resolve(false);
      return;
    }
    const end = (isSent: boolean) => {
      socket.off('close', gone);
      resolve(isSent);
    };
    const gone = () => end(false);
    socket.once('close', gone);
    response.write(bytes, (error) => end(!error));
  });
}

/**
 * Answers with what `source` yields, whose buffers need to be there until the next is asked for and no longer. Rejects where it fails
 * before its first bytes, with nothing sent. A failure under way breaks the connection, so the engine's log has to say why.
 */
export async function sendBorrowed(
  reply: FastifyReply,
  source: AsyncIterable<Buffer>,
  options: {
    readonly onFault: (error: unknown, request?: string) => void;
    readonly onClose: () => void;
  },
): Promise<FastifyReply> {
  const pieces = source[Symbol.asyncIterator]();
  const first = await pieces.next();
  const { raw, request, statusCode } = reply;
  raw.writeHead(statusCode, reply.getHeaders() as OutgoingHttpHeaders);
  reply.hijack();
  const send = async (): Promise<void> => {
    for (let step = first; !step.done; step = await pieces.next()) {
      if (!(await sent(raw, step.value))) {
        await pieces.return?.();
        return;
      }
    }
    raw.end();
  };
  send()
    .catch((error: unknown) => {
      if (!raw.destroyed) {
        options.onFault(error, request.id);
        raw.destroy();
      }
    })
    .finally(options.onClose);
  return reply;
}
