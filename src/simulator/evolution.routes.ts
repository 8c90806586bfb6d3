import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ordinary } from './aftermath.ts';
import { closed_prefix, demo_values, missing_prefix, name_pattern } from './demo-values.ts';
import { type EvolutionErrorName, evolution_errors, evolutionEnvelope } from './evolution-errors.ts';
import { findWebhook, setWebhook } from './evolution-subscriptions.ts';
import { evolutionAftermath, instanceId, newEvolutionId } from './evolution-webhooks.ts';
import { isMembers } from './json.ts';
import { scriptedFor } from './script.ts';
import { type Answer, playOutcome, type Simulation } from './simulation.ts';
import { digitsOf, waIdOf } from './whatsapp-number.ts';

interface InstancePath {
  Params: { instance: string };
}

/** Evolution API 2.3 as far as a sender of texts sees it; base URL `<url>/evolution`. */
export function evolutionRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/^\/evolution/, '').replace(/\?.*$/, '');
    refuse(reply, 404, 'Not Found', [`Cannot ${request.method} ${path}`]);
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error(error);
    refuse(reply, status, status < 500 ? 'Bad Request' : 'Internal Server Error', [error.message]);
  });
  // The instance is looked at before the key, so an unknown one answers 404 even to a wrong key.
  app.addHook<InstancePath>('onRequest', async (request, reply) => {
    const { instance } = request.params;
    if (instance !== undefined && (!name_pattern.test(instance) || instance.startsWith(missing_prefix))) {
      return refuse(reply, 404, 'Not Found', [`The "${instance}" instance does not exist`]);
    }
    if (request.headers.apikey !== demo_values.evolution.api_key) {
      const { status, error, message } = evolution_errors.unauthorized;
      return refuse(reply, status, error, message);
    }
  });

  app.post<InstancePath>('/message/sendText/:instance', (request, reply) => receiveText(simulation, request, reply));
  app.post<InstancePath>('/chat/whatsappNumbers/:instance', (request, reply) => checkNumbers(request, reply));
  app.post<InstancePath>('/webhook/set/:instance', (request, reply) => {
    const result = setWebhook(simulation.webhooks.targets, request.params.instance, request.body);
    return 'refusal' in result
      ? refuse(reply, 400, 'Bad Request', result.refusal)
      : reply.code(201).send(result.webhook);
  });
  app.get<InstancePath>('/webhook/find/:instance', (request, reply) => {
    return reply.send(findWebhook(simulation.webhooks.targets, request.params.instance));
  });
  app.get<InstancePath>('/instance/connectionState/:instance', (request) => {
    const { instance } = request.params;
    return { instance: { instanceName: instance, state: isClosed(instance) ? 'close' : 'open' } };
  });
}

async function receiveText(simulation: Simulation, request: FastifyRequest<InstancePath>, reply: FastifyReply) {
  const { instance } = request.params;
  const body = isMembers(request.body) ? request.body : {};
  const faults = [...stringFaults('number', body.number), ...stringFaults('text', body.text)];
  if (typeof body.number !== 'string' || typeof body.text !== 'string' || faults.length > 0) {
    return refuse(reply, 400, 'Bad Request', [faults]);
  }
  const { number, text } = body;
  const { jid, wa_id } = addressOf(number);
  const id = newEvolutionId('api');
  const scripted = wa_id === null ? undefined : scriptedFor(wa_id, 'text');
  return playOutcome(simulation, request, reply, {
    entry: { protocol: 'evolution', channel: instance, to: number, wa_id, type: 'text', text, body, correlator: null },
    outcome: isClosed(instance) ? 'closed' : (scripted?.name ?? 'accepted'),
    behaviour: isClosed(instance)
      ? { kind: 'refuse', error: 'connection_closed' }
      : (scripted?.evolution ?? { kind: 'accept' }),
    provider_message_id: id,
    accepted: (variant) => acceptance(instance, jid, text, variant === 'no_id' ? null : id),
    refused: (error) => refusalOf(error, { jid, exists: false, number }),
    afterwards: () => {
      const { people, webhooks } = simulation;
      const sent = { instance, id, jid, text };
      return evolutionAftermath(people, sent, scripted?.aftermath ?? ordinary, webhooks.delay_ms());
    },
  });
}

/** `id` null: an answer that forgot the key, which is all there is to correlate by. */
function acceptance(instance: string, jid: string, text: string, id: string | null): Answer {
  const body = {
    ...(id === null ? {} : { key: { remoteJid: jid, fromMe: true, id } }),
    pushName: 'Você',
    status: 'PENDING',
    message: { conversation: text },
    contextInfo: null,
    messageType: 'conversation',
    messageTimestamp: Math.floor(Date.now() / 1000),
    instanceId: instanceId(instance),
    source: 'web',
  };
  return { status: 201, body };
}

function refusalOf(name: EvolutionErrorName, absent: { jid: string; exists: false; number: string }) {
  const { status, error, message } = evolution_errors[name];
  const body = evolutionEnvelope(status, error, name === 'absent' ? [absent] : message);
  return { status, body, code: name };
}

function checkNumbers(request: FastifyRequest<InstancePath>, reply: FastifyReply) {
  const numbers = isMembers(request.body) ? request.body.numbers : undefined;
  if (numbers === undefined) return refuse(reply, 400, 'Bad Request', [['instance requires property "numbers"']]);
  if (!Array.isArray(numbers) || numbers.length === 0 || !numbers.every((one) => typeof one === 'string')) {
    return refuse(reply, 400, 'Bad Request', [['"numbers" must be an array of numeric strings']]);
  }
  if (isClosed(request.params.instance)) return refuse(reply, 500, 'Internal Server Error', 'Connection Closed');
  return numbers.map((number: string) => {
    const { jid, wa_id } = addressOf(number);
    const behaviour = wa_id === null ? undefined : scriptedFor(wa_id, 'text')?.evolution;
    const is_absent = behaviour?.kind === 'refuse' && behaviour.error === 'absent';
    return { jid, exists: !is_absent, number };
  });
}

/** A linked id hides the number, so nothing can be scripted by it; it is assumed to exist. */
function addressOf(number: string): { jid: string; wa_id: string | null } {
  if (number.endsWith('@lid')) return { jid: number, wa_id: null };
  const wa_id = waIdOf(digitsOf(number));
  return { jid: `${wa_id}@s.whatsapp.net`, wa_id };
}

function stringFaults(name: string, value: unknown): string[] {
  if (value === undefined) return [`instance requires property "${name}"`];
  if (typeof value !== 'string') return [`instance.${name} is not of a type(s) string`];
  const is_empty = name === 'number' ? !/\d/.test(value) : value === '';
  return is_empty ? [`The "${name}" cannot be empty`] : [];
}

function isClosed(instance: string): boolean {
  return instance.startsWith(closed_prefix);
}

function refuse(reply: FastifyReply, status: number, error: string, message: unknown): FastifyReply {
  return reply.code(status).send(evolutionEnvelope(status, error, message));
}
