import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Aftermath, ordinary } from './aftermath.ts';
import { closed_prefix, demo_values, missing_prefix, name_pattern } from './demo-values.ts';
import { type GraphRefusal, graphEnvelope } from './graph-errors.ts';
import { type GraphMessage, readGraphMessage } from './graph-message.ts';
import { phoneNumber, templatePage } from './graph-objects.ts';
import { listSubscriptions, subscribe } from './graph-subscriptions.ts';
import { graphAftermath, newWamid } from './graph-webhooks.ts';
import { isMembers } from './json.ts';
import { scriptedFor } from './script.ts';
import { type Answer, playOutcome, type Simulation } from './simulation.ts';
import type { Webhooks } from './webhooks.ts';

interface GraphPath {
  Params: { version: string; id: string };
}
interface GraphQuery extends GraphPath {
  Querystring: { fields?: string; limit?: string; after?: string };
}

/** Meta's Graph API as far as a sender of messages sees it; base URL `<url>/graph`. */
export function graphRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.setNotFoundHandler((request, reply) => {
    refuse(reply, {
      error: 'path_unknown',
      message: `Unknown path components: ${request.url.replace(/^\/graph/, '')}`,
    });
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error(error);
    refuse(reply, { error: status >= 500 ? 'unknown' : 'invalid_parameter', details: error.message });
  });
  app.addHook<GraphPath>('onRequest', async (request, reply) => {
    const refusal = refusalOfCall(request);
    if (refusal) return refuse(reply, refusal);
  });

  app.post<GraphPath>('/:version/:id/messages', (request, reply) => receiveMessage(simulation, request, reply));

  app.get<GraphQuery>('/:version/:id/message_templates', (request, reply) => {
    const { fields, limit, after } = request.query;
    const url = `${request.protocol}://${request.host}${request.url.replace(/\?.*$/, '')}`;
    return answer(reply, templatePage({ waba_id: request.params.id, fields, limit, after, url }));
  });

  subscriptionRoutes(app, simulation.webhooks);

  app.get<GraphQuery>('/:version/:id', (request, reply) => {
    return answer(reply, phoneNumber(request.params.id, request.query.fields));
  });
}

/** Where webhooks go, of a business account or of one of its numbers. */
function subscriptionRoutes(app: FastifyInstance, webhooks: Webhooks): void {
  app.post<GraphPath>('/:version/:id/subscribed_apps', async (request, reply) => {
    return answer(reply, await subscribe(webhooks, 'account', request.params.id, request.body));
  });
  app.get<GraphPath>('/:version/:id/subscribed_apps', (request) => {
    return listSubscriptions(webhooks.targets, request.params.id);
  });
  app.delete<GraphPath>('/:version/:id/subscribed_apps', (request) => {
    webhooks.targets.set('account', request.params.id, null);
    return { success: true };
  });
  app.post<GraphPath>('/:version/:id', async (request, reply) => {
    const body = isMembers(request.body) ? request.body.webhook_configuration : undefined;
    if (body === undefined) return refuse(reply, { error: 'invalid_parameter' });
    return answer(reply, await subscribe(webhooks, 'phone', request.params.id, body));
  });
}

/** The token, then the version, then the object: what Graph looks at before the body. */
function refusalOfCall(request: FastifyRequest<GraphPath>): GraphRefusal | null {
  const { access_token } = demo_values.graph;
  if (request.headers.authorization !== `Bearer ${access_token}`) return { error: 'token_invalid' };
  const { version, id } = request.params;
  if (version === undefined || id === undefined) return null;
  if (!/^v\d{1,3}\.\d{1,2}$/.test(version)) return { error: 'path_unknown' };
  if (name_pattern.test(id) && !id.startsWith(missing_prefix)) return null;
  const method = request.method.toLowerCase();
  const message = `Unsupported ${method} request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api`;
  return { error: 'object_missing', message };
}

async function receiveMessage(simulation: Simulation, request: FastifyRequest<GraphPath>, reply: FastifyReply) {
  const { version, id: channel } = request.params;
  const read = readGraphMessage(request.body, version);
  if (read.kind === 'read_receipt') return reply.send({ success: true });
  if (read.kind === 'invalid') {
    if (read.message) recordInvalid(simulation, channel, request.body, read.message, read.refusal);
    return refuse(reply, read.refusal);
  }
  const { message } = read;
  const wamid = newWamid();
  if (message.address.vanishes) {
    const unnoticed = {
      outcome: 'vanished',
      accepted: false,
      status: 200,
      error_code: null,
      provider_message_id: wamid,
    };
    simulation.received.add({ ...entryOf(channel, request.body, message), ...unnoticed });
    return reply.send(acceptance(message, wamid, 'plain').body);
  }
  const is_closed = channel.startsWith(closed_prefix);
  const scripted = scriptedFor(message.address.wa_id ?? '', message.type.toLowerCase());
  return playOutcome(simulation, request, reply, {
    entry: entryOf(channel, request.body, message),
    outcome: is_closed ? 'closed' : (scripted?.name ?? 'accepted'),
    behaviour: is_closed ? { kind: 'refuse', error: 'not_registered' } : (scripted?.graph ?? { kind: 'accept' }),
    provider_message_id: wamid,
    accepted: (variant) => acceptance(message, wamid, variant),
    refused: (error) => {
      const { status, code, body } = graphEnvelope({ error });
      return { status, body, code: String(code) };
    },
    afterwards: () => followUp(simulation, channel, message, wamid, scripted?.aftermath ?? ordinary),
  });
}

function followUp(
  { people, webhooks }: Simulation,
  channel: string,
  { address, correlator, template }: GraphMessage,
  wamid: string,
  aftermath: Aftermath,
) {
  const recipient = address.wa_id ?? address.to;
  const sent = { channel, wamid, correlator, recipient, template_name: template?.name ?? null };
  return graphAftermath(people, sent, aftermath, webhooks.delay_ms());
}

function acceptance({ address, type }: GraphMessage, wamid: string, variant: 'plain' | 'hold' | 'no_id'): Answer {
  const is_template = type.toLowerCase() === 'template';
  const message_status = variant === 'hold' ? 'held_for_quality_assessment' : 'accepted';
  const contact = address.wa_id === null ? { user_id: address.user_id } : { wa_id: address.wa_id };
  const body = {
    messaging_product: 'whatsapp',
    contacts: [{ input: address.to, ...contact }],
    messages: variant === 'no_id' ? [] : [{ id: wamid, ...(is_template ? { message_status } : {}) }],
  };
  return { status: 200, body };
}

function entryOf(channel: string, body: unknown, message: GraphMessage) {
  const { address, ...content } = message;
  return { protocol: 'graph' as const, channel, to: address.to, wa_id: address.wa_id, ...content, body };
}

function recordInvalid(
  simulation: Simulation,
  channel: string,
  body: unknown,
  message: GraphMessage,
  refusal: GraphRefusal,
): void {
  const { status, code } = graphEnvelope(refusal);
  const refused = { outcome: 'invalid', accepted: false, status, error_code: String(code), provider_message_id: null };
  simulation.received.add({ ...entryOf(channel, body, message), ...refused });
}

function answer(reply: FastifyReply, result: object | GraphRefusal): FastifyReply {
  return 'error' in result ? refuse(reply, result) : reply.send(result);
}

function refuse(reply: FastifyReply, refusal: GraphRefusal): FastifyReply {
  const { status, body } = graphEnvelope(refusal);
  if (status === 401) reply.header('www-authenticate', 'OAuth "Facebook Platform" "invalid_token"');
  return reply.code(status).send(body);
}
