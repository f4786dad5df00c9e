// Messages of a session, which both sides send at once over one HTTP request; `wire-workbench.ts` says which there are.

import { EngineError } from '../base/errors.ts';

const HEADER_BYTES = 5;
/** Nothing but files and what is typed is long, and that is cut up. */
const MAX_BYTES = 16 * 1024 * 1024;

/** One message as it comes in. */
export interface SessionMessage {
  readonly kind: number;
  readonly data: Buffer;
}

/** Returns a message as it travels; an object goes as JSON. */
export function encodeMessage(kind: number, data: Uint8Array | string | object = ''): Buffer {
  const bytes =
    data instanceof Uint8Array
      ? data
      : Buffer.from(typeof data === 'string' ? data : JSON.stringify(data));
  const message = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
  message[0] = kind;
  message.writeUInt32BE(bytes.length, 1);
  message.set(bytes, HEADER_BYTES);
  return message;
}

/** Yields the messages of a stream. One that ends within a message, or holds none, is `invalid`. */
export async function* decodeMessages(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<SessionMessage> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    rest = rest.length === 0 ? view : Buffer.concat([rest, view]);
    while (rest.length >= HEADER_BYTES) {
      const length = rest.readUInt32BE(1);
      if (length > MAX_BYTES) {
        throw malformed();
      }
      if (rest.length < HEADER_BYTES + length) {
        break;
      }
      yield { kind: rest[0] ?? 0, data: rest.subarray(HEADER_BYTES, HEADER_BYTES + length) };
      rest = rest.subarray(HEADER_BYTES + length);
    }
  }
  if (rest.length > 0) {
    throw malformed();
  }
}

/** Reads the JSON of a message; `invalid` where it is none. */
export function jsonOf<T>({ data }: SessionMessage): T {
  try {
    return JSON.parse(data.toString('utf8')) as T;
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause?: unknown): EngineError {
  return new EngineError(
    'invalid',
    'Cannot read the session: it holds what is no message; use a pfs of the same version as the engine',
    { cause },
  );
}
