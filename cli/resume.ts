// Reads one file of a commit over connections that may break: goes on where it stopped, and never mixes two versions.

import type { Opened } from '../client/asked.ts';
import type { RefParams } from '../client/params.ts';
import type { AnswerMemory } from '../client/transport.ts';
import { CliError, usageError } from './cli-error.ts';
import type { EngineClient } from './client.ts';

/** How often in a row a connection may break without bringing a byte. */
const MAX_BREAKS = 3;

/**
 * Yields the bytes of the file at `path` from `from` on. A connection that breaks is made again, as long as each brings
 * something. Throws when the file has become another one meanwhile, or `path` names several and `from` is not 0.
 * @param options.id the Git object the file must be, where that is known.
 */
export async function* readOn(
  client: EngineClient,
  options: {
    readonly params: RefParams;
    readonly path: string;
    readonly from: number;
    readonly id?: string | undefined;
    /** Where the bytes may go; the caller gives back what it has done with. */
    readonly memory?: AnswerMemory | undefined;
  },
): AsyncIterable<Uint8Array> {
  const { params, path, memory } = options;
  let at = options.from;
  let etag = options.id === undefined ? undefined : `"${options.id}"`;
  let end = Number.NaN;
  for (let breaks = 0; ; ) {
    const before = at;
    try {
      const opened: Opened = await client.open('GET /repos/{project}/{repo}/files/{ref}/content', {
        params,
        query: { path },
        headers: {
          ...(at > 0 ? { range: `bytes=${at}-` } : {}),
          ...(etag === undefined ? {} : { 'if-match': etag }),
        },
        memory,
      });
      if (at > 0 && !opened.isPart) {
        throw usageError(`Cannot begin within "${path}": it names several files; name one`);
      }
      ({ etag } = opened);
      end = at + opened.size;
      for await (const chunk of opened.bytes) {
        at += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      breaks = at > before ? 1 : breaks + 1;
      // Without a tag the rest could be of another version: the answer was of several files.
      const canGoOn = error instanceof CliError && error.code === 'unreachable' && etag;
      if (!canGoOn || breaks > MAX_BREAKS) {
        throw error;
      }
      if (at === end) {
        return;
      }
    }
  }
}
