// Where the text of a pipeline spec comes from.

import { readFile } from 'node:fs/promises';
import { fileError, usageError } from './cli-error.ts';
import type { Context } from './context.ts';
import { fetchUrl } from './file-upload.ts';
import { isUrl } from './upload-source.ts';

/** Reads a spec from a file, a URL, or, for `-` or nothing, standard input. The name is for the engine's messages. */
export async function readSpec(
  context: Context,
  from: string | undefined,
  { missing = 'Name the spec, as in pfs create pipeline spec.json; - reads standard input' } = {},
): Promise<{ readonly text: string; readonly name: string }> {
  if (from !== undefined && isUrl(from)) {
    return { text: await collect(fetchUrl(from, context.signal)), name: from };
  }
  if (from !== undefined && from !== '-') {
    try {
      return { text: await readFile(from, 'utf8'), name: from };
    } catch (error) {
      throw fileError(`read the spec "${from}"`, error);
    }
  }
  if (from === undefined && context.stdin.isTTY) {
    throw usageError(missing);
  }
  return { text: await collect(context.stdin), name: 'standard input' };
}

async function collect(source: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks).toString('utf8');
}
