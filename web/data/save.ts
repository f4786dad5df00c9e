// Saving what the engine sends as a file of the visitor's.

import { addressOf } from '../../client/address.ts';
import type { Rest } from '../../client/asked.ts';
import type { BytesKey } from '../../engine/server/operations/types.ts';
import { engine } from './api.ts';
import { bearer } from './session.ts';

/** Saves what an operation sends under a name. With a cookie the browser takes it by itself, however large; else it is held in memory. */
export async function saveAs<K extends BytesKey>(
  name: string,
  key: K,
  ...asked: Rest<K>
): Promise<void> {
  const bytes = await engine.bytes(key, ...asked);
  if (bearer() === undefined) {
    // A wrong path would be saved as a file that says so: that it begins well is enough.
    for await (const _ of bytes) {
      break;
    }
    click(addressOf(key, ...asked), name);
    return;
  }
  const address = URL.createObjectURL(await blobOf(bytes));
  click(address, name);
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

async function blobOf(bytes: AsyncIterable<Uint8Array>): Promise<Blob> {
  const chunks = bytes[Symbol.asyncIterator]();
  const stream = new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) {
        controller.close();
      } else {
        controller.enqueue(value);
      }
    },
  });
  return await new Response(stream).blob();
}

function click(href: string, name: string): void {
  const link = document.createElement('a');
  link.href = href;
  link.download = name;
  link.click();
}
