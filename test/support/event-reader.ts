// Reads server-sent events as a browser does (HTML, 9.2.6).

import type { IncomingMessage } from 'node:http';

export interface ReadEvent {
  readonly event: string;
  readonly data: unknown;
  /** The position after it. */
  readonly id: string;
}

/** The events of one response. */
export class EventReader {
  /** The last position that was told, also where nothing came with it. */
  id = '';
  /** How many comments came. */
  comments = 0;
  readonly response: IncomingMessage;
  readonly #events: AsyncGenerator<ReadEvent>;

  constructor(response: IncomingMessage) {
    this.response = response;
    this.#events = this.#read();
  }

  /** Resolves with the next event, or undefined where the stream has ended. */
  async next(): Promise<ReadEvent | undefined> {
    const { value, done } = await this.#events.next();
    return done ? undefined : value;
  }

  /** Goes on until an event for which `holds`, and returns all up to it. */
  async until(holds: (event: ReadEvent) => boolean): Promise<ReadEvent[]> {
    const events: ReadEvent[] = [];
    for (;;) {
      const event = await this.next();
      if (!event) {
        throw new Error(`the events ended after ${JSON.stringify(events)}`);
      }
      events.push(event);
      if (holds(event)) {
        return events;
      }
    }
  }

  close(): void {
    this.response.destroy();
  }

  async *#read(): AsyncGenerator<ReadEvent> {
    let rest = '';
    let event = '';
    let data: string[] = [];
    for await (const chunk of this.response as AsyncIterable<Buffer>) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
        if (line === '') {
          if (data.length > 0) {
            yield { event, data: JSON.parse(data.join('\n')), id: this.id };
          }
          event = '';
          data = [];
        } else if (field === '') {
          this.comments++;
        } else if (field === 'id') {
          this.id = value;
        } else if (field === 'event') {
          event = value;
        } else if (field === 'data') {
          data.push(value);
        }
      }
    }
  }
}
