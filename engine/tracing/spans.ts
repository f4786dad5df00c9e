// The tracer of an engine whose spans are collected: makes spans of OpenTelemetry, and knows which is under way where.

import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  defaultTextMapGetter,
  type Span as OtelSpan,
  type SpanOptions as OtelSpanOptions,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { RootOptions, Span, SpanOptions, Tracer } from '../base/tracer.ts';
import type { StoreOperation } from '../object/measuring.ts';
import type { TraceIds } from './trace-ids.ts';

/** What reads thousands of objects must not crowd out everything else: the others are counted. */
const MAX_STORE_SPANS = 100;

/** Spans, begun by whoever does something. */
export class Spans implements Tracer {
  readonly #tracer: OtelTracer;
  readonly #ids: TraceIds;
  readonly #underWay = new AsyncLocalStorage<OpenSpan>();
  readonly #propagator = new W3CTraceContextPropagator();

  constructor(tracer: OtelTracer, ids: TraceIds) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  get current(): OpenSpan | undefined {
    const span = this.#underWay.getStore();
    // What goes on after the end of what began it belongs to nothing.
    return span?.hasEnded ? undefined : span;
  }

  begin(name: string, options: SpanOptions = {}): OpenSpan {
    const { facts, links = [] } = options;
    const parent = options.parent instanceof OpenSpan ? options.parent : this.current;
    const others = links.filter((link) => link instanceof OpenSpan);
    return this.#open(
      name,
      {
        attributes: { ...facts },
        links: others.map(({ span }) => ({ context: span.spanContext() })),
      },
      parent ? trace.setSpan(ROOT_CONTEXT, parent.span) : ROOT_CONTEXT,
    );
  }

  beginRoot(name: string, options: RootOptions = {}): OpenSpan {
    const { facts, headers, trace: id } = options;
    const asked = { attributes: { ...facts }, kind: headers ? SpanKind.SERVER : SpanKind.INTERNAL };
    const context = headers
      ? this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
      : ROOT_CONTEXT;
    return id === undefined
      ? this.#open(name, asked, context)
      : this.#ids.withTrace(id, () => this.#open(name, asked, context));
  }

  /** Takes a request to the store, which has just been answered, as part of what is under way. */
  readonly onStoreOperation = (operation: StoreOperation): void => {
    const { current } = this;
    if (!current?.span.isRecording()) {
      return;
    }
    current.storeOperations += 1;
    if (current.storeOperations > MAX_STORE_SPANS) {
      return;
    }
    const { kind, outcome, seconds, bytes } = operation;
    const end = performance.timeOrigin + performance.now();
    const span = this.#tracer.startSpan(
      `store ${kind}`,
      {
        kind: SpanKind.CLIENT,
        startTime: end - seconds * 1000,
        attributes: {
          'pfs.store.outcome': outcome,
          ...(bytes > 0 ? { 'pfs.store.bytes': bytes } : {}),
        },
      },
      trace.setSpan(ROOT_CONTEXT, current.span),
    );
    span.end(end);
  };

  #open(name: string, options: OtelSpanOptions, context: Context): OpenSpan {
    return new OpenSpan(this.#tracer.startSpan(name, options, context), this.#underWay);
  }
}

/** A span under way. */
class OpenSpan implements Span {
  readonly span: OtelSpan;
  /** Requests to the store that were part of it. */
  storeOperations = 0;
  hasEnded = false;
  readonly #underWay: AsyncLocalStorage<OpenSpan>;

  constructor(span: OtelSpan, underWay: AsyncLocalStorage<OpenSpan>) {
    this.span = span;
    this.#underWay = underWay;
  }

  set(facts: NonNullable<SpanOptions['facts']>): void {
    this.span.setAttributes({ ...facts });
  }

  within<T>(work: () => T): T {
    return this.#underWay.run(this, work);
  }

  fail(kind: string): void {
    this.span.setStatus({ code: SpanStatusCode.ERROR });
    this.span.setAttribute('error.type', kind);
  }

  end(): void {
    if (this.storeOperations > 0) {
      this.set({ 'pfs.store.operations': this.storeOperations });
    }
    this.hasEnded = true;
    this.span.end();
  }
}
