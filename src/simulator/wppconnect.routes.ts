import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { closed_prefix, demo_values, missing_prefix, name_pattern } from './demo-values.ts';
import { newEvolutionId } from './evolution-webhooks.ts';
import { type GatewayAddress, type GatewayFault, gatewayAddress, isAbsent, playText } from './gateway-text.ts';
import { isMembers } from './json.ts';
import type { Answer, Simulation } from './simulation.ts';

interface SessionPath {
  Params: { session: string };
}

const not_active: Answer = {
  status: 404,
  body: { response: null, status: 'Disconnected', message: 'A sessão do WhatsApp não está ativa.' },
};

/** WPPConnect server 2.10 as far as a sender of texts sees it; base URL `<url>/wppconnect`. */
export function wppconnectRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/^\/wppconnect/, '').replace(/\?.*$/, '');
    return reply.code(404).type('text/html').send(`<pre>Cannot ${request.method} ${path}</pre>`);
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error(error);
    return reply.code(status).send({ status: 'Error', message: error.message });
  });
  // The token is made of the session's name: one that is not there has none that fits.
  app.addHook<SessionPath>('onRequest', async ({ headers, params: { session } }, reply) => {
    if (session === undefined) return;
    const is_missing = !name_pattern.test(session) || session.startsWith(missing_prefix);
    if (is_missing || headers.authorization !== `Bearer ${demo_values.wppconnect.token}`) {
      return reply.code(401).send({ error: 'Check that the Session and Token are correct' });
    }
  });

  app.get<SessionPath>('/api/:session/check-connection-session', ({ params: { session } }) => {
    return isClosed(session) ? { status: false, message: 'Disconnected' } : { status: true, message: 'Connected' };
  });
  app.get<SessionPath>('/api/:session/status-session', ({ params: { session } }) => {
    return { status: isClosed(session) ? 'CLOSED' : 'CONNECTED', qrcode: null, urlcode: null, version: '2.10.4' };
  });
  app.get<{ Params: { session: string; phone: string } }>(
    '/api/:session/check-number-status/:phone',
    ({ params: { session, phone } }, reply) => {
      if (isClosed(session)) return reply.code(not_active.status).send(not_active.body);
      const address = gatewayAddress(phone);
      const numberExists = !isAbsent(address);
      const id = { server: 'c.us', user: address.wa_id, _serialized: address.jid };
      return { status: 'success', response: { id, isBusiness: false, canReceiveMessage: numberExists, numberExists } };
    },
  );
  app.post<SessionPath>('/api/:session/send-message', (request, reply) => receiveText(simulation, request, reply));
}

function receiveText(simulation: Simulation, request: FastifyRequest<SessionPath>, reply: FastifyReply) {
  const body = isMembers(request.body) ? request.body : {};
  const { phone, message, isLid } = body;
  if (typeof phone !== 'string' || typeof message !== 'string' || !/^\d+(@(c\.us|lid))?$/.test(phone)) {
    return reply.code(401).send({ message: 'phone and message are required' });
  }
  const { session } = request.params;
  const address = gatewayAddress(phone, isLid === true || phone.endsWith('@lid'));
  const id = newEvolutionId('api');
  return playText(simulation, request, reply, {
    protocol: 'wppconnect',
    channel: session,
    to: phone,
    address,
    text: message,
    body,
    id,
    is_closed: isClosed(session),
    accepted: (given) => {
      const wrapped = given === null ? {} : { id: `true_${address.jid}_${given}_out` };
      const sent = { ...wrapped, body: message, type: 'chat', fromMe: true, to: address.jid, ack: 0 };
      return { status: 201, body: { status: 'success', response: [sent], mapper: 'return' } };
    },
    refused: (fault) => refusalOf(fault, address),
  });
}

function refusalOf(fault: GatewayFault, { wa_id }: GatewayAddress): Answer {
  switch (fault) {
    case 'unauthorized':
      return { status: 401, body: { error: 'Check that the Session and Token are correct' } };
    case 'absent':
      return { status: 400, body: { response: null, status: 'Connected', message: `O número ${wa_id} não existe.` } };
    case 'connection_closed':
      return not_active;
    case 'rate_overlimit':
      return failure('rate-overlimit');
    case 'reachout_timelock':
      return failure('server returned error 463');
  }
}

function failure(error: string): Answer {
  return { status: 500, body: { status: 'Error', message: 'Erro ao enviar a mensagem.', error } };
}

function isClosed(session: string): boolean {
  return session.startsWith(closed_prefix);
}
