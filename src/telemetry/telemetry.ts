import type { Config } from '../config.ts';
import type { Context } from '../context.ts';
import { readPool } from '../db/pool.ts';
import { readInboundDepth } from '../features/inbound/depth.repository.ts';
import { readQueueDepth } from '../features/messages/depth.repository.ts';
import type { DispatchItem, DispatchOutcome } from '../features/messages/dispatch-message.ts';
import { measureRequests } from '../http/metrics.ts';
import type { App } from '../http/server.ts';
import type { LaneWork } from '../lanes/lane.ts';
import type { HttpClient } from '../outbound/outbound.ts';
import { measureDispatch, measureStarts } from './measure.ts';
import { createMetrics, type Metrics } from './metrics.ts';

type DispatchWork = LaneWork<DispatchItem, DispatchOutcome>;

/** What one process tells its operators of itself, and where that is listened for. */
export interface Telemetry {
  metrics: Metrics;
  /** Call before what may refuse a request, and before the routes. */
  watchRequests: (server: App) => void;
  watchClient: (request: HttpClient) => HttpClient;
  watchDispatch: (work: DispatchWork) => DispatchWork;
  /** Sends what is left, within 2 s. */
  close: () => Promise<void>;
}

interface Process {
  config: Pick<Config, 'otlp_endpoint'>;
  ctx: Context;
  version: string;
}

/** Metrics always; spans where OTEL_EXPORTER_OTLP_ENDPOINT is set, and nothing of them is loaded else. */
export async function openTelemetry({ config, ctx, version }: Process): Promise<Telemetry> {
  const metrics = createMetrics({ readPool: () => readPool(ctx.db), readDepth: () => readDepths(ctx) });
  const endpoint = config.otlp_endpoint;
  const tracing =
    endpoint === null ? null : (await import('./tracing.ts')).openTracing({ endpoint, version, log: ctx.log }, ctx.db);
  return {
    metrics,
    watchRequests: (server) => {
      tracing?.traceRequests(server);
      measureRequests(server, metrics);
      measureStarts(server, metrics);
    },
    watchClient: (request) => tracing?.traceClient(request) ?? request,
    watchDispatch: (work) => {
      const measured = measureDispatch(work, metrics);
      return tracing?.traceDispatch(measured) ?? measured;
    },
    close: async () => tracing?.close(),
  };
}

async function readDepths(ctx: Context) {
  return { dispatch: { ...(await readQueueDepth(ctx)) }, inbound: { ...(await readInboundDepth(ctx)) } };
}
