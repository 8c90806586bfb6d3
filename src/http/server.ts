import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import cors from '@fastify/cors';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { DefinedProblem } from '../problem.ts';
import { uuid } from '../random.ts';
import { Closed } from '../schema.ts';
import { answerClientError } from './client-error.ts';
import { handleProblem, malformed_body, noRoute, sendProblem } from './problem-handler.ts';
import type { Shedding } from './shedding.ts';
import { createValidatorCompiler } from './validation.ts';

/** The server as routes see it: types of params, query, body and answers come from their TypeBox schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression<RawServerDefault>,
  RawReplyDefaultExpression<RawServerDefault>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope a key needs. */
    scope?: string;
    /** What this operation may refuse with, beside what any may. */
    problems?: DefinedProblem[];
    /** Answers without a key. */
    public?: boolean;
    /** Does its work once per `Idempotency-Key`; a POST without it only asks, and is run again. */
    idempotent?: boolean;
    /** Its body carries a secret that is kept nowhere: a repeat gets 409 `secret_already_shown`. */
    shows_secret?: boolean;
    /** Takes `Prefer: wait=N`. */
    waits?: boolean;
    /** Asks somebody outside and waits for the answer: so many at once for one account. */
    asks_outside?: boolean;
    /** Where its refusals point to, by code, when it is not what the example of the code says. */
    points?: Record<string, string>;
    /** May queue a message: takes a token of each limit of its key, unless `?dry_run=true`. */
    limited?: boolean;
  }
}

const body_limit_bytes = 256 * 1024;

/** A server with its limits, headers, request ids, log line, validation and problem answers; no routes yet. */
export async function createServer(config: Config, log: Logger, shedding?: Shedding): Promise<App> {
  const server = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: body_limit_bytes,
    requestTimeout: 15_000,
    connectionTimeout: 60_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    trustProxy: trustedProxies(config.trust_proxy),
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    requestIdHeader: false,
    genReqId: () => uuid(),
    frameworkErrors: (error, request, reply) => void handleProblem(error, request, reply),
    clientErrorHandler: answerClientError,
    exposeHeadRoutes: false,
    // The serialiser judges branches of `anyOf` by schemas that name our formats.
    serializerOpts: { ajv: { formats: { storable: true } } },
    // Ours, with the schemas of each part: Fastify would build its own where a part adds schemas.
    schemaController: { compilersFactory: { buildValidator: createValidatorCompiler as never } },
  }).withTypeProvider<TypeBoxTypeProvider>() as unknown as App;
  // No DELETE of ours takes a body: one that comes along is left unread, as that of a GET is.
  server.addHttpMethod('DELETE', { hasBody: false, overrideExisting: true });
  server.decorateRequest('scope', null);
  server.decorateRequest('raw_body', null);
  server.decorateRequest('trace_id', null);
  server.setErrorHandler(handleProblem);
  server.setNotFoundHandler((request, reply) => sendProblem(noRoute(request), request, reply));
  readJsonBodies(server);
  refuseStrayQueries(server);
  writeIdsSmall(server);
  sayCommonHeaders(server);
  if (config.cors_origins.length > 0) await server.register(cors, corsOptions(config.cors_origins));
  sayGoodbye(server);
  if (shedding) shedFirst(server, shedding);
  logRequests(server);
  return server;
}

/**
 * Lets `shedding` look at a request before Fastify does, where refusing one costs the least. Not on the second address that
 * Fastify binds for the name `localhost`.
 */
function shedFirst(app: App, shedding: Shedding): void {
  const { server } = app;
  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    if (shedding.refuse(request, response)) return;
    for (const listener of listeners) listener.call(server, request, response);
  });
  app.addHook('preClose', async () => shedding.close());
}

/** Keeps the body's bytes (an idempotency key's fingerprint is over them) and reads an absent one as `{}`. */
function readJsonBodies(server: App): void {
  const parseJson = server.getDefaultJsonParser('error', 'ignore');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    request.setDecorator('raw_body', body);
    if (body.length === 0) return done(null, {});
    // Decoded all the same, each bad byte would become U+FFFD: something that nobody sent.
    if (!isUtf8(body)) return done(malformed_body());
    return parseJson(request, body.toString('utf8'), done);
  });
}

/** An operation that has no query refuses one, as every other refuses what it does not know. Providers put there what they like. */
function refuseStrayQueries(server: App): void {
  server.addHook('onRoute', (route) => {
    const { schema, config } = route;
    if (schema && !schema.hide && !config?.public) schema.querystring ??= Closed({});
  });
}

const uuid_pattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * An id in capitals is the same id, and the database writes it small: what is compared or sealed with one sees one spelling. What
 * providers send may be a token that looks like one.
 */
function writeIdsSmall(server: App): void {
  server.addHook('preHandler', async ({ params, query, routeOptions }) => {
    if (routeOptions.config.public) return;
    for (const part of [params, query] as Record<string, unknown>[]) {
      for (const [name, value] of Object.entries(part ?? {}))
        if (typeof value === 'string' && uuid_pattern.test(value)) part[name] = value.toLowerCase();
    }
  });
}

/** Fastify trusts nobody when it is given a number: whoever sets one says that all come through so many proxies of theirs. */
function trustedProxies(setting: Config['trust_proxy']) {
  return typeof setting === 'number' ? (_: string, hop: number) => hop < setting : setting;
}

function corsOptions(origins: string[]) {
  return {
    origin: origins.includes('*') ? '*' : origins,
    allowedHeaders: [
      'authorization',
      'content-type',
      'idempotency-key',
      'last-event-id',
      'prefer',
      'accept-language',
      'traceparent',
    ],
    exposedHeaders: [
      'x-request-id',
      'location',
      'retry-after',
      'idempotent-replayed',
      'preference-applied',
      'ratelimit',
      'ratelimit-policy',
    ],
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    // An OPTIONS that asks for nothing is answered like any other, and not in plain text.
    strictPreflight: false,
    maxAge: 600,
  };
}

/** What helmet says of pages that come from here; the same each time, so it is asked once. */
function readSecurityHeaders(): Record<string, string> {
  const headers: Record<string, string> = {};
  const response = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => undefined,
  };
  const directives = { defaultSrc: ["'none'"], frameAncestors: ["'none'"] };
  const protect = helmet({ contentSecurityPolicy: { directives } });
  protect({} as IncomingMessage, response as unknown as ServerResponse, (error) => {
    if (error) throw error;
  });
  return headers;
}

function sayCommonHeaders(server: App): void {
  const common = { ...readSecurityHeaders(), 'cache-control': 'no-store' };
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(common).header('x-request-id', request.id);
  });
}

/** A connection whose request was running when the stop began is idle after its answer, and would be waited for. */
function sayGoodbye(server: App): void {
  let is_closing = false;
  server.addHook('preClose', async () => {
    is_closing = true;
  });
  server.addHook('onSend', async (_, reply) => {
    if (is_closing) reply.header('connection', 'close');
  });
}

const traceOf = (request: FastifyRequest) =>
  /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(String(request.headers.traceparent ?? ''))?.[1];

/** For what may take minutes: the connection is not closed for being silent until its answer was sent. */
export function allowSilence(request: FastifyRequest): void {
  request.raw.socket?.setTimeout?.(0);
}

/** One wide line per request; the query is left out, it may hold names and numbers. */
function logRequests(server: App): void {
  // Of whom nobody is there to be answered any more, Fastify tells nothing.
  server.addHook('onRequest', async (request, reply) => {
    let is_answered = false;
    reply.raw.once('finish', () => {
      is_answered = true;
    });
    reply.raw.once('close', () => {
      if (!is_answered) logRequest(request, reply, true);
    });
  });
  server.addHook('onResponse', async (request, reply) => logRequest(request, reply, false));
}

function logRequest(request: FastifyRequest, reply: FastifyReply, is_aborted: boolean): void {
  const scope = request.getDecorator<{ account_id: string; api_key_id: string } | null>('scope');
  request.log.info(
    {
      method: request.method,
      route: request.routeOptions.url ?? null,
      status: is_aborted && !reply.raw.headersSent ? null : reply.statusCode,
      ...(is_aborted ? { is_aborted } : {}),
      client_ip: request.ip,
      duration_ms: Math.round(reply.elapsedTime * 10) / 10,
      account_id: scope?.account_id,
      api_key_id: scope?.api_key_id,
      trace_id: request.getDecorator<string | null>('trace_id') ?? traceOf(request),
    },
    'http.request',
  );
}
