import { Agent, type Dispatcher } from 'undici';
import { ConnectFailure, createAddressGuard, errorCode, type GuardOptions } from './address-guard.ts';
import { collectBytes } from './collect-bytes.ts';
import type { HttpClient, HttpOutcome, HttpRequest } from './outbound.ts';

const default_max_response_bytes = 1_048_576;
const default_connections = 128;

/**
 * A client over pooled connections that calls only what the address guard allows.
 * `connections` bounds each origin; `close` cuts what is in the air.
 */
export function createHttpClient(options: GuardOptions & { connections?: number }): {
  request: HttpClient;
  close: () => Promise<void>;
} {
  const guard = createAddressGuard(options);
  const agent = new Agent({
    connect: guard.connector,
    connections: options.connections ?? default_connections,
    pipelining: 1,
    // Shorter than the idle limit of common servers (Node 5 s): a request written to a socket that the peer is
    // closing at that moment can only be called unanswered, so such sockets are rather not met at all.
    keepAliveTimeout: 2_000,
    keepAliveMaxTimeout: 10_000,
    // One timer of ours counts from the call to the last byte.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    request: async (request) => {
      const checked = guard.checkUrl(request.url);
      if (checked.ok) return exchange(agent, checked.url, request);
      const refused = checked.reason === 'address' || checked.reason === 'plain_http';
      return { kind: 'not_sent', reason: refused ? 'address_not_allowed' : 'url_invalid', detail: checked.reason };
    },
    close: () => agent.destroy(),
  };
}

function exchange(agent: Agent, url: URL, request: HttpRequest): Promise<HttpOutcome> {
  return new Promise((resolve) => {
    const state = createExchange(request, (outcome) => {
      clearTimeout(timer);
      request.signal.removeEventListener('abort', onAbort);
      resolve(outcome);
    });
    const onAbort = () => state.giveUp('aborted', 'the caller gave up');
    const timer = setTimeout(() => state.giveUp('timeout', `${request.timeout_ms} ms passed`), request.timeout_ms);
    if (request.signal.aborted) return onAbort();
    request.signal.addEventListener('abort', onAbort, { once: true });
    try {
      agent.dispatch(dispatchOptions(url, request), state.handler);
    } catch (error) {
      state.refuse(errorCode(error));
    }
  });
}

function dispatchOptions(url: URL, request: HttpRequest): Dispatcher.DispatchOptions {
  return {
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: request.method,
    headers: { 'user-agent': 'conversar', accept: '*/*', ...request.headers, 'accept-encoding': 'identity' },
    body: request.body ?? null,
    // Nothing may share a connection with a request of which we do not know whether it arrived.
    idempotent: false,
  };
}

/**
 * Follows one request through undici. `onRequestStart` comes directly before the first byte is written and in
 * the same turn, so before it nothing has left, and after it nobody can tell.
 */
function createExchange(request: HttpRequest, settle: (outcome: HttpOutcome) => void) {
  const { max_response_bytes: max_bytes = default_max_response_bytes, is_beginning_enough = false } = request;
  let settled = false;
  let controller: Dispatcher.DispatchController | null = null;
  let answer: { status: number; headers: Record<string, string> } | null = null;
  const body = collectBytes(max_bytes);

  const finish = (outcome: HttpOutcome) => {
    if (settled) return;
    settled = true;
    settle(outcome);
  };
  const answered = (controlled: Dispatcher.DispatchController | null) => {
    if (answer) finish({ kind: 'answered', ...answer, body: body.text() });
    else finish({ kind: 'unanswered', reason: 'cut', detail: 'no status line' });
    controlled?.abort(new Error('enough'));
  };
  const giveUp = (reason: 'timeout' | 'aborted' | 'too_large', detail: string) => {
    if (controller) finish({ kind: 'unanswered', reason, detail });
    else finish({ kind: 'not_sent', reason: reason === 'aborted' ? 'aborted' : 'connect_timeout', detail });
    controller?.abort(new Error(reason));
  };
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      // Given up while it waited for a connection, or a second start, which would be a repeat: not one byte goes out.
      if (settled || controller) return started.abort(new Error('given up'));
      controller = started;
    },
    onResponseStart(_controller, status, headers) {
      if (status >= 200) answer = { status, headers: flatten(headers) };
    },
    onResponseData(_controller, chunk) {
      if (body.add(chunk)) return;
      if (is_beginning_enough) answered(controller);
      else giveUp('too_large', `more than ${max_bytes} bytes`);
    },
    onResponseEnd() {
      answered(null);
    },
    onResponseError(_controller, error) {
      if (controller) finish(unanswered(error, answer !== null));
      else finish(notSent(error));
    },
  };
  return { handler, giveUp, refuse: (detail: string) => finish({ kind: 'not_sent', reason: 'url_invalid', detail }) };
}

function notSent(error: Error): HttpOutcome {
  if (error instanceof ConnectFailure) return { kind: 'not_sent', reason: error.reason, detail: error.message };
  const code = errorCode(error);
  if (code === 'UND_ERR_INVALID_ARG') return { kind: 'not_sent', reason: 'url_invalid', detail: code };
  const closing = code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED';
  return { kind: 'not_sent', reason: closing ? 'aborted' : 'refused', detail: code };
}

function unanswered(error: Error, answer_began: boolean): HttpOutcome {
  const code = errorCode(error);
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return { kind: 'unanswered', reason: 'too_large', detail: code };
  if (code === 'UND_ERR_DESTROYED') return { kind: 'unanswered', reason: 'aborted', detail: code };
  return { kind: 'unanswered', reason: answer_began ? 'cut' : 'reset', detail: code };
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}
