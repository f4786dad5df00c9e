// A collector of spans: takes what OpenTelemetry sends over HTTP, as JSON or as Protocol Buffers, and keeps it.

import { EventEmitter, once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { fieldsOf, type ProtoFields } from './proto-fields.ts';
import { readAll } from './server.ts';

export interface CollectedSpan {
  readonly trace: string;
  readonly id: string;
  /** Empty where it has none. */
  readonly parent: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  /** In milliseconds since the Unix epoch. */
  readonly start: number;
  readonly end: number;
  readonly facts: Readonly<Record<string, unknown>>;
  /** 0 unset, 2 error. */
  readonly status: number;
  readonly links: readonly string[];
  /** What is known of who sent it. */
  readonly resource: Readonly<Record<string, unknown>>;
}

interface Test {
  after(close: () => void): void;
}

/** Runs until its test ends. */
export class Collector {
  readonly endpoint: string;
  readonly spans: CollectedSpan[] = [];
  /** Everything that came, as text. */
  text = '';
  readonly headers: IncomingHttpHeaders[] = [];
  readonly #events: EventEmitter;

  private constructor(endpoint: string, events: EventEmitter) {
    this.endpoint = endpoint;
    this.#events = events;
  }

  /** With `isSilent`, it takes what is sent and never answers. */
  static async start(t: Test, options: { readonly isSilent?: boolean } = {}): Promise<Collector> {
    const events = new EventEmitter();
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      const bytes = await readAll(request);
      collector.headers.push(request.headers);
      collector.text += bytes.toString('latin1');
      const isJson = request.headers['content-type'] === 'application/json';
      collector.spans.push(...(isJson ? spansOfJson(bytes) : spansOfProto(bytes)));
      events.emit('spans');
      if (!options.isSilent) {
        response.setHeader('content-type', String(request.headers['content-type']));
        response.end(isJson ? '{}' : '');
      }
    };
    const server = createServer((request, response) => void answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    const collector = new Collector(`http://127.0.0.1:${port}`, events);
    return collector;
  }

  /** Resolves with all spans of this name, once that many have come. */
  async named(name: string, count = 1): Promise<readonly CollectedSpan[]> {
    const found = () => this.spans.filter((span) => span.name === name);
    await this.#until(() => found().length >= count);
    return found();
  }

  /** Resolves with a span of this name and trace, once it has come. */
  async inTrace(trace: string, name: string): Promise<CollectedSpan> {
    const find = () => this.spans.find((span) => span.name === name && span.trace === trace);
    await this.#until(() => find() !== undefined);
    return find() as CollectedSpan;
  }

  async #until(isThere: () => boolean): Promise<void> {
    while (!isThere()) {
      await once(this.#events, 'spans', { signal: AbortSignal.timeout(60_000) });
    }
  }
}

type JsonFacts = readonly { readonly key: string; readonly value: Record<string, unknown> }[];

interface JsonSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: JsonFacts;
  readonly status: { readonly code?: number };
  readonly links?: readonly { readonly spanId: string }[];
}

function spansOfJson(bytes: Buffer): CollectedSpan[] {
  const { resourceSpans } = JSON.parse(bytes.toString()) as {
    resourceSpans: {
      resource: { attributes: JsonFacts };
      scopeSpans: { spans: JsonSpan[] }[];
    }[];
  };
  const factsOf = (facts: JsonFacts) =>
    Object.fromEntries(facts.map(({ key, value }) => [key, Object.values(value)[0]]));
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        trace: span.traceId,
        id: span.spanId,
        parent: span.parentSpanId ?? '',
        name: span.name,
        kind: span.kind,
        start: Number(span.startTimeUnixNano) / 1e6,
        end: Number(span.endTimeUnixNano) / 1e6,
        facts: factsOf(span.attributes),
        status: span.status.code ?? 0,
        links: (span.links ?? []).map(({ spanId }) => spanId),
        resource: factsOf(resource.attributes),
      })),
  );
}

function spansOfProto(bytes: Buffer): CollectedSpan[] {
  return fieldsOf(bytes)
    .messages(1)
    .flatMap((group) => {
      const resource = protoFacts(group.messages(1)[0]?.messages(1) ?? []);
      const spans = group.messages(2).flatMap((scope) => scope.messages(2));
      return spans.map((span) => ({
        trace: span.bytes(1).toString('hex'),
        id: span.bytes(2).toString('hex'),
        parent: span.bytes(4).toString('hex'),
        name: span.bytes(5).toString(),
        kind: span.number(6),
        start: span.number(7) / 1e6,
        end: span.number(8) / 1e6,
        facts: protoFacts(span.messages(9)),
        status: span.messages(15)[0]?.number(3) ?? 0,
        links: span.messages(13).map((link) => link.bytes(2).toString('hex')),
        resource,
      }));
    });
}

function protoFacts(pairs: readonly ProtoFields[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const value = pair.messages(2)[0];
      const isText = value?.has(1);
      return [pair.bytes(1).toString(), isText ? value?.bytes(1).toString() : value?.number(3)];
    }),
  );
}
