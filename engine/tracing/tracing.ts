// Sends spans to a collector over OTLP, as the standard variables of OpenTelemetry say. Loaded only where these name a
// collector; a collector that is slow or away costs spans, never time of those who wait for the engine.

import { DiagLogLevel, diag } from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { Clock } from '../base/clock.ts';
import { isEngineError } from '../base/errors.ts';
import type { SpanProtocol } from '../base/tracer.ts';
import { ProblemLog } from './problem-log.ts';
import { Spans } from './spans.ts';
import { TraceIds } from './trace-ids.ts';

/** How long the end of the engine waits for the last spans. */
const LAST_SPANS_MS = 2000;

export interface TracingOptions {
  readonly protocol: SpanProtocol;
  /** Of the engine. */
  readonly version: string;
  readonly engine: string;
  readonly clock: Clock;
  readonly onProblem: (error: unknown) => void;
}

export interface Tracing {
  readonly tracer: Spans;
  /** Sends the spans that have ended, if that is possible in two seconds. */
  close(): Promise<void>;
}

/** Begins to collect spans. */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { protocol, version, engine, clock } = options;
  const problems = new ProblemLog(options);
  diag.setLogger(problems, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  setGlobalErrorHandler(problems.take);
  const ids = new TraceIds();
  const ours = {
    'service.name': 'pfs',
    'service.version': version,
    'service.instance.id': engine,
  };
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes(ours))
      .merge(detectResources({ detectors: [envDetector] })),
    idGenerator: ids,
    spanProcessors: [new BatchSpanProcessor(await makeExporter(protocol))],
  });
  return {
    tracer: new Spans(provider.getTracer('pfs', version), ids),
    async close() {
      const over = new AbortController();
      const sent = provider.shutdown().catch(problems.take);
      const late = clock.sleep(LAST_SPANS_MS, { signal: over.signal });
      await Promise.race([sent, late]);
      over.abort();
      await late.catch((error: unknown) => {
        if (!isEngineError(error, 'cancelled')) {
          throw error;
        }
      });
    },
  };
}

async function makeExporter(protocol: SpanProtocol): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await (protocol === 'http/json'
    ? import('@opentelemetry/exporter-trace-otlp-http')
    : import('@opentelemetry/exporter-trace-otlp-proto'));
  return new OTLPTraceExporter();
}
