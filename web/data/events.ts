// Server-sent events, read by a request of our own: the browser's reader of them can send no token.

import { textLines } from '../../client/json-lines.ts';
import type { Change, Reset } from '../../engine/server/wire-events.ts';
import { engine } from './api.ts';

/** An event: a change, or that some were missed. `seq` is the position after it. */
export type Event =
  | { readonly kind: 'change'; readonly seq: number; readonly change: Change }
  | { readonly kind: 'reset'; readonly seq: number }
  /** Nothing happened that concerns the page. */
  | { readonly kind: 'moved'; readonly seq: number };

/** Yields the events after a position (from now on, without one) until the connection ends or the signal aborts. */
export async function* readEvents(
  after: number | undefined,
  options: { readonly signal: AbortSignal; readonly onOpen: () => void },
): AsyncGenerator<Event> {
  const { bytes } = await engine.open('GET /events', {
    query: { after },
    signal: options.signal,
  });
  options.onOpen();
  let fields: Record<string, string> = {};
  for await (const line of textLines(bytes)) {
    if (line !== '') {
      const [, name = '', value = ''] = /^(\w*):? ?(.*?)\r?$/.exec(line) ?? [];
      fields[name] = value;
      continue;
    }
    const event = eventOf(fields);
    fields = {};
    if (event) {
      yield event;
    }
  }
}

function eventOf({ id, event, data }: Readonly<Record<string, string>>): Event | undefined {
  if (data === undefined) {
    return id === undefined ? undefined : { kind: 'moved', seq: Number(id) };
  }
  if (event === 'reset') {
    return { kind: 'reset', seq: (JSON.parse(data) as Reset).seq };
  }
  if (event !== 'change') {
    return { kind: 'moved', seq: Number(id) };
  }
  const change = JSON.parse(data) as Change;
  return { kind: 'change', seq: change.seq, change };
}
