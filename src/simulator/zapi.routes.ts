import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { closed_prefix, demo_values, missing_prefix, name_pattern } from './demo-values.ts';
import { type GatewayFault, gatewayAddress, isAbsent, playText } from './gateway-text.ts';
import { isMembers } from './json.ts';
import type { Answer, Simulation } from './simulation.ts';

interface InstancePath {
  Params: { instance: string; token: string };
}

/** Z-API as far as a sender of texts sees it; base URL `<url>/zapi`. */
export function zapiRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.setNotFoundHandler((_, reply) => {
    return reply.code(404).send({ error: 'NOT_FOUND', message: 'Unable to find matching target resource method' });
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error(error);
    return reply.code(status).send({ error: error.message });
  });
  app.addHook<InstancePath>('onRequest', async ({ params: { instance, token } }, reply) => {
    if (instance === undefined) return;
    if (!name_pattern.test(instance) || instance.startsWith(missing_prefix)) {
      return reply.code(400).send({ error: 'Instance not found' });
    }
    if (token !== demo_values.zapi.token) return reply.code(401).send({ error: 'Unauthorized' });
  });

  const base = '/instances/:instance/token/:token';
  app.get<InstancePath>(`${base}/status`, ({ params: { instance } }) => {
    const connected = !isClosed(instance);
    const error = connected ? 'You are already connected.' : 'You are not connected.';
    return { connected, smartphoneConnected: connected, error };
  });
  app.get<{ Params: InstancePath['Params'] & { phone: string } }>(`${base}/phone-exists/:phone`, ({ params }) => {
    if (isClosed(params.instance)) return { error: 'You are not connected.' };
    const address = gatewayAddress(params.phone);
    if (isAbsent(address)) return [{ exists: false, phone: params.phone, lid: null }];
    return [{ exists: true, phone: address.wa_id, lid: null }];
  });
  app.post<InstancePath>(`${base}/send-text`, (request, reply) => receiveText(simulation, request, reply));
}

function receiveText(simulation: Simulation, request: FastifyRequest<InstancePath>, reply: FastifyReply) {
  const body = isMembers(request.body) ? request.body : {};
  const { phone, message } = body;
  if (typeof phone !== 'string' || typeof message !== 'string' || message === '') {
    return reply.code(400).send({ error: 'phone and message are required' });
  }
  const { instance } = request.params;
  const id = randomBytes(10).toString('hex').toUpperCase();
  const zaapId = randomBytes(16).toString('hex').toUpperCase();
  const queued = { status: 200, body: { zaapId, messageId: id, id } };
  return playText(simulation, request, reply, {
    protocol: 'zapi',
    channel: instance,
    to: phone,
    address: gatewayAddress(phone),
    text: message,
    body,
    id,
    is_closed: isClosed(instance),
    accepted: (given) => (given === null ? { status: 200, body: { zaapId } } : queued),
    refused: (fault) => refusalOf(fault, instance, queued),
  });
}

/** A queue takes whatever comes, also while disconnected: what becomes of it is told later, by webhook. */
function refusalOf(fault: GatewayFault, instance: string, queued: Answer): Answer {
  switch (fault) {
    case 'unauthorized':
      return { status: 200, body: { error: 'null not allowed' } };
    case 'connection_closed':
      return isClosed(instance) ? queued : { status: 500, body: { error: 'Error on send message' } };
    case 'rate_overlimit':
      return { status: 429, body: { error: 'Too many requests' } };
    case 'absent':
    case 'reachout_timelock':
      return queued;
  }
}

function isClosed(instance: string): boolean {
  return instance.startsWith(closed_prefix);
}
