import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Language } from '../problem.ts';
import { uuid } from '../random.ts';
import type { RequestMetrics } from './metrics.ts';
import { headersOfAll, languageOf, overloaded, problemHeaders, renderProblem } from './problem-handler.ts';

/** How often the event loop is asked how late it is. */
const sample_ms = 250;
/** One long tick is no overload: it has to be late so many times in a row. */
const late_in_a_row = 3;

/** What operators look with when a service is in trouble, as it stands in a request line. */
const is_always_answered = /^\/(health\/(live|ready)|metrics|openapi\.json|docs|docs\/[^.]*(\.\w+)?)(\?|$)/;

export interface SheddingOptions {
  config: Pick<Config, 'max_event_loop_delay_ms' | 'max_pool_queue' | 'cors_origins'>;
  log: Logger;
  /** How many wait for the database. */
  countWaiting: () => number;
  /** Told of each refusal. */
  metrics: RequestMetrics;
}

/** Looks at a request before Fastify does. */
export interface Shedding {
  /** True when it was refused and answered. */
  refuse: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** The service ends: refusals end their connection, too. */
  close: () => void;
}

/**
 * Refuses with 503 `overloaded`, before key and body are looked at, while the event loop keeps being late by more than
 * `max_event_loop_delay_ms`, or more than `max_pool_queue` wait for the database; 0 turns either off. A service that answers
 * some in time is better than one that answers all too late, and what a refusal costs is taken from those: it is written
 * without router and hooks, at half of their price.
 */
export function createShedding({ config, log, countWaiting, metrics }: SheddingOptions): Shedding {
  const { max_event_loop_delay_ms, max_pool_queue, cors_origins } = config;
  const loop = max_event_loop_delay_ms > 0 ? watchEventLoop(max_event_loop_delay_ms) : null;
  const isOverloaded = () => loop?.isLate() || (max_pool_queue > 0 && countWaiting() > max_pool_queue);
  let is_closing = false;
  return {
    refuse: (request, response) => {
      if (!isOverloaded()) return false;
      const begun_at = performance.now();
      const { method = '', url = '' } = request;
      // A preflight is answered from memory.
      if (method === 'OPTIONS' || is_always_answered.test(url)) return false;
      const reqId = uuid();
      sendRefusal(response, {
        request_id: reqId,
        language: languageOf(request),
        headers: [...readableBy(request.headers.origin, cors_origins), ...(is_closing ? ['connection', 'close'] : [])],
      });
      const { status, code } = overloaded.kind;
      const peer_ip = request.socket.remoteAddress;
      log.info({ reqId, method, route: null, status, peer_ip }, 'http.request');
      const duration_s = (performance.now() - begun_at) / 1_000;
      metrics.requestAnswered({ route: 'none', method, status, duration_s, problem_code: code, is_replay: false });
      return true;
    },
    close: () => {
      is_closing = true;
      loop?.stop();
    },
  };
}

interface Refusal {
  request_id: string;
  language: Language;
  /** Names and values in turn. */
  headers: string[];
}

const refusal = overloaded();

/** All of a refusal but its request's id, which is as long as any other. */
function prepareRefusal(language: Language) {
  const id_place = uuid();
  const [before = '', after = ''] = JSON.stringify(renderProblem(refusal, language, id_place)).split(id_place);
  const bytes = Buffer.byteLength(before + id_place + after);
  const { 'x-request-id': _, ...of_all } = headersOfAll(id_place);
  const headers = {
    ...of_all,
    ...problemHeaders(refusal.kind),
    'content-language': language,
    'content-length': `${bytes}`,
  };
  return { before, after, headers: Object.entries(headers).flat() };
}

const prepared: Record<Language, ReturnType<typeof prepareRefusal>> = {
  en: prepareRefusal('en'),
  'pt-BR': prepareRefusal('pt-BR'),
};

function sendRefusal(response: ServerResponse, { request_id, language, headers }: Refusal): void {
  const { before, after, headers: common } = prepared[language];
  response.writeHead(refusal.kind.status, [...common, 'x-request-id', request_id, ...headers]);
  response.end(before + request_id + after);
}

/** What lets a page of an allowed origin read the refusal and when to come back. */
function readableBy(origin: string | undefined, allowed: string[]): string[] {
  const by = allowed.includes('*') ? '*' : origin !== undefined && allowed.includes(origin) ? origin : null;
  if (by === null) return [];
  const exposed = ['access-control-allow-origin', by, 'access-control-expose-headers', 'x-request-id, retry-after'];
  return by === '*' ? exposed : [...exposed, 'vary', 'Origin'];
}

function watchEventLoop(max_delay_ms: number) {
  let late = 0;
  let due_at_ms = performance.now() + sample_ms;
  const timer = setInterval(() => {
    const now_ms = performance.now();
    late = now_ms - due_at_ms > max_delay_ms ? late + 1 : 0;
    due_at_ms = now_ms + sample_ms;
  }, sample_ms).unref();
  return { isLate: () => late >= late_in_a_row, stop: () => clearInterval(timer) };
}
