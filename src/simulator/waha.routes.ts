import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { closed_prefix, demo_values, missing_prefix, name_pattern } from './demo-values.ts';
import { newEvolutionId } from './evolution-webhooks.ts';
import { type GatewayFault, gatewayAddress, isAbsent, playText } from './gateway-text.ts';
import { isMembers } from './json.ts';
import type { Answer, Simulation } from './simulation.ts';

interface CheckQuery {
  Querystring: { phone?: string; session?: string };
}

/** WAHA as far as a sender of texts sees it, its engine GOWS; base URL `<url>/waha`. */
export function wahaRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/^\/waha/, '').replace(/\?.*$/, '');
    return answer(reply, nest(404, `Cannot ${request.method} ${path}`));
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error(error);
    return answer(reply, nest(status, error.message));
  });
  app.addHook('onRequest', async (request, reply) => {
    if (request.headers['x-api-key'] !== demo_values.waha.api_key) return answer(reply, nest(401, 'Unauthorized'));
  });

  app.post('/api/sendText', (request, reply) => receiveText(simulation, request, reply));
  app.get<CheckQuery>('/api/contacts/check-exists', ({ query: { phone = '', session = '' } }, reply) => {
    const barred = barOf(session);
    if (barred) return answer(reply, barred);
    const address = gatewayAddress(phone);
    return isAbsent(address) ? { numberExists: false } : { numberExists: true, chatId: address.jid };
  });
  app.get<{ Params: { name: string } }>('/api/sessions/:name', ({ params: { name } }, reply) => {
    if (isMissing(name)) return answer(reply, nest(404, 'Session not found'));
    return { name, status: isClosed(name) ? 'SCAN_QR_CODE' : 'WORKING', engine: { engine: 'GOWS' }, config: {} };
  });
}

function receiveText(simulation: Simulation, request: FastifyRequest, reply: FastifyReply) {
  const body = isMembers(request.body) ? request.body : {};
  const { session, chatId, text, id } = body;
  if (typeof session !== 'string' || typeof chatId !== 'string' || typeof text !== 'string') {
    return answer(reply, nest(400, ['session, chatId and text must be strings']));
  }
  if (!/^\d+@(c\.us|lid)$/.test(chatId)) return answer(reply, thrown(`invalid wid ${chatId}`, request));
  const barred = barOf(session);
  if (barred && isMissing(session)) return answer(reply, barred);
  const address = gatewayAddress(chatId);
  const own_id = typeof id === 'string' ? id : newEvolutionId('api');
  return playText(simulation, request, reply, {
    protocol: 'waha',
    channel: session,
    to: chatId,
    address,
    text,
    body,
    ...(typeof id === 'string' ? { chosen_id: id } : {}),
    id: own_id,
    is_closed: isClosed(session),
    accepted: (given) => {
      const timestamp = Math.floor(Date.now() / 1_000);
      const wrapped = given === null ? {} : { id: `true_${address.jid}_${given}` };
      const sent = { timestamp, to: address.jid, fromMe: true, body: text, ack: 0, ackName: 'PENDING', _data: {} };
      return { status: 201, body: { ...wrapped, ...sent } };
    },
    refused: (fault) => refusalOf(fault, session, request),
  });
}

/** A number without WhatsApp, too, is told as what the engine threw. */
function refusalOf(fault: GatewayFault, session: string, request: FastifyRequest): Answer {
  switch (fault) {
    case 'unauthorized':
      return nest(401, 'Unauthorized');
    case 'connection_closed':
      return unexpected(session, isClosed(session) ? 'SCAN_QR_CODE' : 'STARTING');
    case 'absent':
      return thrown('2 UNKNOWN: no LID found for user', request);
    case 'rate_overlimit':
      return thrown('2 UNKNOWN: rate-overlimit', request);
    case 'reachout_timelock':
      return thrown('2 UNKNOWN: server returned error 463', request);
  }
}

function barOf(session: string): Answer | null {
  if (isMissing(session)) {
    return { status: 422, body: { error: `Session "${session}" does not exist`, session } };
  }
  return isClosed(session) ? unexpected(session, 'SCAN_QR_CODE') : null;
}

function unexpected(session: string, status: string): Answer {
  const error = 'Session status is not as expected. Try again later or restart the session';
  return { status: 422, body: { error, session, status, expected: ['WORKING'] } };
}

/** With the whole request beside it, as the real one tells it. */
function thrown(message: string, { body }: FastifyRequest): Answer {
  return {
    status: 500,
    body: {
      statusCode: 500,
      timestamp: new Date().toISOString(),
      exception: { message, name: 'Error', code: 2 },
      request: { path: '/api/sendText', method: 'POST', body, query: {} },
      version: { version: '2026.7.1', engine: 'GOWS', tier: 'CORE' },
    },
  };
}

function nest(status: number, message: unknown): Answer {
  return { status, body: { statusCode: status, message } };
}

function isMissing(session: string): boolean {
  return !name_pattern.test(session) || session.startsWith(missing_prefix);
}

function isClosed(session: string): boolean {
  return session.startsWith(closed_prefix);
}

function answer(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  return reply.code(status).send(body);
}
