import {
  type Attributes,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type Context as TraceContext,
  trace,
} from '@opentelemetry/api';
import { problemCodeOf } from '../http/metrics.ts';
import type { App } from '../http/server.ts';
import { endFailed, type Tracer } from './tracer.ts';

/** Asked every few seconds by machines: nobody looks for these. */
const is_untraced = /^\/(health|metrics)(\/|$)/;

const spanOf = (request: { getDecorator: <T>(name: string) => T }) => request.getDecorator<Span | null>('span');

/**
 * One span per request, below the caller's where `traceparent` names one. All that the request waits for is below it. Call
 * before the routes.
 */
export function traceRequests(server: App, tracer: Tracer): void {
  server.decorateRequest('span', null);
  server.addHook('onRequest', (request, _, done) => {
    const route = request.routeOptions.url ?? 'none';
    if (is_untraced.test(route)) return done();
    const span = tracer.start(`${request.method} ${route}`, {
      kind: SpanKind.SERVER,
      parent: readTraceparent(request.headers.traceparent),
      attributes: { 'http.request.method': request.method, 'http.route': route, 'conversar.request_id': request.id },
    });
    request.setDecorator('span', span);
    request.setDecorator('trace_id', span.spanContext().traceId);
    tracer.within(span, done);
  });
  // What follows the body runs in the turn of its last byte, which knows nothing of this request.
  server.addHook('preValidation', (request, _, done) => {
    const span = spanOf(request);
    return span ? tracer.within(span, done) : done();
  });
  server.addHook('onSend', async (request, reply, payload) => {
    const span = spanOf(request);
    if (!span || reply.statusCode >= 300 || request.method !== 'POST') return;
    span.setAttributes(namesOf(String(reply.getHeader('location') ?? ''), payload));
  });
  server.addHook('onResponse', async (request, reply) => {
    const span = spanOf(request);
    if (!span) return;
    const scope = request.getDecorator<{ account_id: string } | null>('scope');
    const code = problemCodeOf(request);
    span.setAttributes({
      'http.response.status_code': reply.statusCode,
      ...(scope ? { 'conversar.account_id': scope.account_id } : {}),
      ...(code === null ? {} : { 'conversar.problem_code': code }),
    });
    if (reply.statusCode >= 500) endFailed(span, code ?? String(reply.statusCode));
    else span.end();
  });
}

/** https://www.w3.org/TR/trace-context/; null for one that is none. */
function readTraceparent(header: unknown): TraceContext | null {
  const [, traceId = '', spanId = '', flags = ''] =
    /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/.exec(String(header ?? '')) ?? [];
  const span_context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(span_context) ? trace.setSpanContext(ROOT_CONTEXT, span_context) : null;
}

/** What a POST made, by id: the dispatch of its message is another trace and carries the same ids. */
function namesOf(location: string, payload: unknown): Attributes {
  const [, thing, id = ''] = /^\/v1\/(attendances|messages)\/([0-9a-f-]{36})/.exec(location) ?? [];
  if (thing === 'messages') return { 'conversar.message_id': id };
  if (thing !== 'attendances' || typeof payload !== 'string') return {};
  const { outcome } = JSON.parse(payload) as { outcome?: { message_id?: string | null } };
  const message_id = outcome?.message_id;
  return { 'conversar.attendance_id': id, ...(message_id ? { 'conversar.message_id': message_id } : {}) };
}
