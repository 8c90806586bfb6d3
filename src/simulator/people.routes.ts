import type { FastifyInstance, FastifyReply } from 'fastify';
import { demo_values, name_pattern } from './demo-values.ts';
import { evolutionMessage, newEvolutionId } from './evolution-webhooks.ts';
import { graphPersonMessage } from './graph-person-message.ts';
import { graphMessages, graphPreference, newWamid } from './graph-webhooks.ts';
import { addressKind, type Person } from './people.ts';
import { type PersonMessage, person_message_types } from './person-message.ts';
import type { Simulation } from './simulation.ts';
import type { Protocol } from './webhook-targets.ts';
import { refuseUnregistered } from './webhooks.routes.ts';
import type { Delivery } from './webhooks.ts';

const max_count = 500;

interface Writing {
  text?: string;
  type: PersonMessage['type'] | 'opt_out' | 'opt_in';
  to: Protocol;
  channel?: string;
  name?: string;
  bsuid?: string;
  lid?: string;
  count: number;
  in_one_body: boolean;
  reply_to?: string;
}

const writing_schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    text: { type: 'string', minLength: 1, maxLength: 4096 },
    type: { enum: [...person_message_types, 'opt_out', 'opt_in'], default: 'text' },
    to: { enum: ['graph', 'evolution'], default: 'graph' },
    channel: { type: 'string', pattern: name_pattern.source },
    name: { type: 'string', minLength: 1, maxLength: 200 },
    bsuid: { type: 'string', pattern: '^[A-Z]{2}\\.(ENT\\.)?[A-Za-z0-9]{1,128}$' },
    lid: { type: 'string', pattern: '^\\d{5,20}@lid$' },
    count: { type: 'integer', minimum: 1, maximum: max_count, default: 1 },
    in_one_body: { type: 'boolean', default: false },
    reply_to: { type: 'string', minLength: 1, maxLength: 512 },
  },
};

/** `/_persons`: simulated persons write to the company. */
export function peopleRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.post<{ Params: { address: string }; Body: Writing }>(
    '/_persons/:address/messages',
    { schema: { body: writing_schema } },
    (request, reply) => write(simulation, request.params.address, request.body, reply),
  );
}

function write({ people, webhooks }: Simulation, address: string, writing: Writing, reply: FastifyReply) {
  if (addressKind(address) === null) {
    return reply.code(400).send({ error: 'A person is a number, a user id (BR.…) or a linked id (…@lid).' });
  }
  const { name, bsuid, lid } = writing;
  const told = { ...(name && { name }), ...(bsuid && { bsuid }), ...(lid && { lid }) };
  const person = people.meet(address, told);
  const written = writing.to === 'graph' ? overGraph(person, writing) : overEvolution(person, writing);
  if ('error' in written) return reply.code(400).send(written);
  const [first] = written.deliveries;
  if (first && !webhooks.isWanted(first)) return refuseUnregistered(reply, first);
  void webhooks.play({ deliveries: written.deliveries, at_once: true });
  return reply.code(202).send({ person, provider_message_ids: written.ids, queued: written.deliveries.length });
}

interface Written {
  ids: string[];
  deliveries: Delivery[];
}

function overGraph(person: Person, writing: Writing): Written | { error: string } {
  const { type, channel = demo_values.graph.phone_number_id } = writing;
  if (person.wa_id === null && person.bsuid === null) {
    return { error: 'Graph knows persons by number or user id, not by linked id.' };
  }
  if (type === 'opt_out' || type === 'opt_in') {
    const value = type === 'opt_out' ? 'stop' : 'resume';
    return { ids: [], deliveries: [graphPreference(channel, person, value, new Date())] };
  }
  const written = messagesOf(writing, type).map((message) => ({ id: newWamid(), message }));
  const members = written.map(({ id, message }) => graphPersonMessage(person, id, message));
  const deliveries = writing.in_one_body
    ? [graphMessages(channel, person, members)]
    : members.map((one) => graphMessages(channel, person, [one]));
  return { ids: written.map(({ id }) => id), deliveries };
}

function overEvolution(person: Person, writing: Writing): Written | { error: string } {
  const { type, channel = demo_values.evolution.instance } = writing;
  if (person.wa_id === null && person.lid === null) {
    return { error: 'Evolution knows persons by number or linked id, not by user id.' };
  }
  if (type === 'opt_out' || type === 'opt_in' || writing.in_one_body) {
    return { error: 'Evolution has no opt-out, and one message in a body.' };
  }
  const written = messagesOf(writing, type).map((message) => ({ id: newEvolutionId('phone'), message }));
  return {
    ids: written.map(({ id }) => id),
    deliveries: written.map(({ id, message }) => evolutionMessage(channel, person, id, message)),
  };
}

/** Written a second apart, the last one now: providers tell time in seconds, and the order should be readable from it. */
function messagesOf({ text, count, reply_to }: Writing, type: PersonMessage['type']): PersonMessage[] {
  const now = Date.now();
  return Array.from({ length: count }, (_, index) => ({
    type,
    text: text !== undefined && count > 1 ? `${text} ${index + 1}` : text,
    at: new Date(now - (count - 1 - index) * 1_000),
    reply_to,
  }));
}
