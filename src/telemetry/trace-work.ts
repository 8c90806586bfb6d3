import { type Link, type Span, SpanKind } from '@opentelemetry/api';
import type { Context } from '../context.ts';
import type { DispatchItem, DispatchOutcome } from '../features/messages/dispatch-message.ts';
import type { LaneWork } from '../lanes/lane.ts';
import type { HttpClient } from '../outbound/outbound.ts';
import { endFailed, type Tracer } from './tracer.ts';

type DispatchWork = LaneWork<DispatchItem, DispatchOutcome>;

/**
 * The dispatch lane: a trace per message that is sent, linked to the claim that took it, and one per batch of outcomes that
 * is written, linked to the sends. A claim that took nothing leaves no span: there is one a second.
 */
export function traceDispatch(work: DispatchWork, tracer: Tracer): DispatchWork {
  const linked = new WeakMap<DispatchItem, Link>();
  const linksOf = (items: DispatchItem[]) => items.flatMap((item) => linked.get(item) ?? []);
  return {
    ...work,
    claim: async (ctx, free) => {
      const started_at_ms = Date.now();
      const claim = await work.claim(ctx, free);
      if (claim.items.length === 0) return claim;
      const attributes = { 'conversar.messages': claim.items.length };
      const span = tracer.start('dispatch claim', { kind: SpanKind.INTERNAL, attributes, parent: null, started_at_ms });
      for (const item of claim.items) linked.set(item, { context: span.spanContext() });
      span.end();
      return claim;
    },
    run: (ctx, item, isStopping) => {
      const span = tracer.start('dispatch', {
        kind: SpanKind.CONSUMER,
        parent: null,
        attributes: describe(item),
        links: linksOf([item]),
      });
      linked.set(item, { context: span.spanContext() });
      return tracer.within(span, () => endWith(span, work.run(ctx, item, isStopping)));
    },
    finish: async (ctx, finished) => {
      const span = tracer.start('dispatch finish', {
        kind: SpanKind.INTERNAL,
        parent: null,
        attributes: { 'conversar.messages': finished.length },
        links: linksOf(finished.map(({ item }) => item)),
      });
      await tracer.within(span, () => endWith(span, work.finish(ctx, finished)));
    },
  };
}

const describe = ({ message, channel }: DispatchItem) => ({
  'conversar.account_id': message.account_id,
  'conversar.message_id': message.id,
  'conversar.attendance_id': message.attendance_id,
  'conversar.channel_id': message.channel_id,
  'conversar.provider': channel.provider,
  'conversar.attempt': message.attempt,
});

/** Ends the span with the work, and says the outcome of a dispatch. */
async function endWith<T>(span: Span, work: Promise<T>): Promise<T> {
  try {
    const result = await work;
    const written = (result as Partial<DispatchOutcome> | undefined)?.written;
    if (written) span.setAttribute('conversar.outcome', written.kind);
    if (written?.error) span.setAttribute('conversar.error_code', written.error.code);
    span.end();
    return result;
  } catch (error) {
    endFailed(span, 'internal_error');
    throw error;
  }
}

/**
 * A span per call outside. It has the host and never the path: gateways put numbers, names of instances and even tokens
 * there. The trace is not told to the other side.
 */
export function traceClient(request: HttpClient, tracer: Tracer): HttpClient {
  return async (asked) => {
    const span = tracer.start(asked.method, {
      kind: SpanKind.CLIENT,
      attributes: { 'http.request.method': asked.method, ...hostOf(asked.url) },
    });
    const outcome = await request(asked);
    if (outcome.kind === 'answered') {
      span.setAttribute('http.response.status_code', outcome.status);
      if (outcome.status >= 400) endFailed(span, String(outcome.status));
      else span.end();
    } else endFailed(span, `${outcome.kind}: ${outcome.reason}`);
    return outcome;
  };
}

function hostOf(text: string): Record<string, string | number> {
  if (!URL.canParse(text)) return {};
  const { hostname, port, protocol } = new URL(text);
  return { 'server.address': hostname, 'server.port': Number(port || (protocol === 'https:' ? 443 : 80)) };
}

interface Statement {
  __knexQueryUid: string;
  sql: string;
  options?: { name?: string };
}

/** Statements in the air; one that ends without a word (a connection lost in a transaction) must not stay for ever. */
const most_statements = 1_000;

/**
 * A span per statement of whatever is traced, by knex's own events: nothing is patched. It has the statement's name, or the
 * statement with its placeholders; never a value.
 */
export function traceDatabase(db: Context['db'], tracer: Tracer): void {
  const open = new Map<string, Span>();
  const take = (statement: Statement) => {
    const span = open.get(statement.__knexQueryUid);
    open.delete(statement.__knexQueryUid);
    return span;
  };
  db.on('query', (statement: Statement) => {
    // Begin and commit have no end that is told.
    if (!tracer.current() || !statement.__knexQueryUid) return;
    const { name, text } = nameOf(statement);
    const attributes = { 'db.system.name': 'postgresql', 'db.query.text': text };
    open.set(statement.__knexQueryUid, tracer.start(name, { kind: SpanKind.CLIENT, attributes }));
    const [oldest] = open.keys();
    if (open.size > most_statements && oldest !== undefined) open.delete(oldest);
  });
  db.on('query-response', (_: unknown, statement: Statement) => take(statement)?.end());
  db.on('query-error', (error: { code?: unknown }, statement: Statement) => {
    const span = take(statement);
    if (span) endFailed(span, String(error.code ?? 'unknown'));
  });
}

function nameOf({ sql, options }: Statement): { name: string; text: string } {
  const text = sql.replace(/\s+/g, ' ').trim().slice(0, 500);
  return { name: options?.name ?? text.split(' ', 1)[0] ?? 'statement', text };
}
