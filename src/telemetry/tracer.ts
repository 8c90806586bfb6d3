import { AsyncLocalStorage } from 'node:async_hooks';
import { hostname } from 'node:os';
import {
  type Attributes,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  type Context as TraceContext,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { Logger } from 'pino';

export interface NewSpan {
  kind: SpanKind;
  /** What happened, by ids and names of ours: no body, name, number, key or path ever. */
  attributes?: Attributes;
  /** Null: the first of a trace. Absent: below what runs now. */
  parent?: TraceContext | null;
  links?: Link[];
  started_at_ms?: number;
}

/** Makes spans and knows which one runs now; nothing of it is global. */
export interface Tracer {
  start: (name: string, span: NewSpan) => Span;
  /** Runs `work` with this span as the one that runs now. */
  within: <T>(span: Span, work: () => T) => T;
  current: () => TraceContext | undefined;
  /** Sends what is left, within 2 s. */
  close: () => Promise<void>;
}

export interface Destination {
  endpoint: string;
  version: string;
  log: Logger;
}

/** What one sending may take, and what a stop waits for it. */
const export_within_ms = 2_000;
const warn_every_ms = 60_000;

/**
 * Spans go to `<endpoint>/v1/traces` in batches, off the way of all work. A receiver that is slow or gone loses spans
 * (2,048 wait at most) and a line of log a minute, and nothing else. Headers, sampling and batches: OpenTelemetry's variables.
 */
export function openTracer({ endpoint, version, log }: Destination): Tracer {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const exporter = logFailures(new OTLPTraceExporter({ url, timeoutMillis: export_within_ms }), log);
  const provider = new BasicTracerProvider({
    resource: resourceOf({
      'service.name': 'conversar',
      'service.version': version,
      'service.instance.id': `${hostname()}-${process.pid}`,
    }),
    spanProcessors: [new BatchSpanProcessor(exporter, { exportTimeoutMillis: export_within_ms })],
  });
  const tracer = provider.getTracer('conversar', version);
  const running = new AsyncLocalStorage<TraceContext>();
  return {
    start: (name, { kind, attributes = {}, parent, links = [], started_at_ms }) => {
      const above = parent === undefined ? running.getStore() : parent;
      const time = started_at_ms === undefined ? {} : { startTime: started_at_ms };
      return tracer.startSpan(name, { kind, attributes, links, ...time }, above ?? ROOT_CONTEXT);
    },
    within: (span, work) => running.run(trace.setSpan(ROOT_CONTEXT, span), work),
    current: () => running.getStore(),
    close: async () => {
      // What cannot be sent now never will be; `logFailures` has said so.
      await provider.shutdown().catch(() => undefined);
    },
  };
}

/** The SDK's own ways to make one are in a package that is not ours to import; this is all it reads. */
function resourceOf(attributes: Attributes) {
  const resource = { attributes, merge: () => resource, getRawAttributes: () => Object.entries(attributes) };
  return resource;
}

function logFailures(exporter: SpanExporter, log: Logger): SpanExporter {
  let said_at_ms = Number.NEGATIVE_INFINITY;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error && performance.now() - said_at_ms > warn_every_ms) {
          said_at_ms = performance.now();
          log.warn({ detail: result.error.message.slice(0, 200) }, 'tracing.export_failed');
        }
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}

/** Ends a span as failed, with a word of ours: what an error says may hold anything. */
export function endFailed(span: Span, error_type: string): void {
  span.setAttribute('error.type', error_type);
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
