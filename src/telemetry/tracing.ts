import type { Context } from '../context.ts';
import type { DispatchItem, DispatchOutcome } from '../features/messages/dispatch-message.ts';
import type { App } from '../http/server.ts';
import type { LaneWork } from '../lanes/lane.ts';
import type { HttpClient } from '../outbound/outbound.ts';
import { traceRequests } from './trace-requests.ts';
import { traceClient, traceDatabase, traceDispatch } from './trace-work.ts';
import { type Destination, openTracer } from './tracer.ts';

type DispatchWork = LaneWork<DispatchItem, DispatchOutcome>;

export interface Tracing {
  /** Call before the routes. */
  traceRequests: (server: App) => void;
  traceClient: (request: HttpClient) => HttpClient;
  traceDispatch: (work: DispatchWork) => DispatchWork;
  close: () => Promise<void>;
}

/** Spans of requests, of the dispatch lane, of calls outside and of this database's statements below any of these. */
export function openTracing(destination: Destination, db: Context['db']): Tracing {
  const tracer = openTracer(destination);
  traceDatabase(db, tracer);
  return {
    traceRequests: (server) => traceRequests(server, tracer),
    traceClient: (request) => traceClient(request, tracer),
    traceDispatch: (work) => traceDispatch(work, tracer),
    close: tracer.close,
  };
}
