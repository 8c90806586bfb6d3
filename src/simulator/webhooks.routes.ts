import type { FastifyInstance, FastifyReply } from 'fastify';
import { demo_values, name_pattern } from './demo-values.ts';
import { evolutionDelivery } from './evolution-webhooks.ts';
import { graphDelivery, graphValue } from './graph-webhooks.ts';
import { isMembers } from './json.ts';
import type { Simulation } from './simulation.ts';
import type { Protocol } from './webhook-targets.ts';
import type { Delivery, Mode } from './webhooks.ts';

const max_repeat = 10;
const max_delay_ms = 60_000;

const mode_schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    order: { enum: ['normal', 'reverse', 'shuffle'], default: 'normal' },
    repeat: { type: 'integer', minimum: 1, maximum: max_repeat, default: 1 },
    delay_ms: { type: ['integer', 'null'], minimum: 0, maximum: max_delay_ms, default: null },
  },
};
const raw_query = {
  type: 'object',
  additionalProperties: false,
  properties: {
    channel: { type: 'string', pattern: name_pattern.source },
    /** Graph. */
    field: { type: 'string', maxLength: 100 },
    /** Evolution. */
    event: { type: 'string', maxLength: 100 },
  },
};
const list_query = {
  type: 'object',
  additionalProperties: false,
  properties: { channel: { type: 'string', maxLength: 128 }, after: { type: 'integer', minimum: 0 } },
};
const raw_params = { type: 'object', properties: { protocol: { enum: ['graph', 'evolution'] } } };

interface Raw {
  Params: { protocol: Protocol };
  Querystring: { channel?: string; field?: string; event?: string };
}

/** Values of these fields open with the number they are about. */
const fields_about_a_number = ['messages', 'user_preferences', 'smb_message_echoes', 'smb_app_state_sync', 'history'];

/** `/_webhooks`: what went out, hostility, and bodies of one's own. */
export function webhooksRoutes(app: FastifyInstance, { webhooks }: Simulation): void {
  app.get<{ Querystring: { channel?: string; after?: number } }>(
    '/_webhooks',
    { schema: { querystring: list_query } },
    ({ query: { channel, after = 0 } }) => {
      const data = webhooks.log.list().filter((one) => one.id > after && (channel ?? one.channel) === one.channel);
      const { log, pending, mode } = webhooks;
      return { data, pending: pending(), dropped: log.dropped(), given_up: log.givenUp(), mode: mode() };
    },
  );

  app.delete('/_webhooks', (_, reply) => {
    webhooks.clear();
    return reply.code(204).send();
  });

  app.post<{ Body: Mode }>('/_webhooks/mode', { schema: { body: mode_schema } }, (request) => {
    webhooks.setMode(request.body);
    return webhooks.mode();
  });

  app.post<Raw>(
    '/_webhooks/:protocol',
    { schema: { params: raw_params, querystring: raw_query } },
    (request, reply) => {
      const { channel, field = 'messages', event = 'messages.upsert' } = request.query;
      const delivery =
        request.params.protocol === 'graph'
          ? rawGraph(channel ?? demo_values.graph.phone_number_id, field, request.body)
          : evolutionDelivery(channel ?? demo_values.evolution.instance, event, 'raw', request.body);
      if (!webhooks.isWanted(delivery)) return refuseUnregistered(reply, delivery);
      void webhooks.play({ deliveries: [delivery], at_once: true });
      return reply.code(202).send({ queued: 1 });
    },
  );
}

/** Where nobody asked to be called, nothing is queued: 409 with what to do. */
export function refuseUnregistered(reply: FastifyReply, { protocol, channel, event }: Delivery): FastifyReply {
  const how = protocol === 'graph' ? 'POST /{waba_id}/subscribed_apps' : 'POST /webhook/set/{instance}';
  const error = `No webhook is registered for ${event} of ${channel}. Register one: ${how}.`;
  return reply.code(409).send({ error });
}

function rawGraph(channel: string, field: string, value: unknown): Delivery {
  const is_whole = isMembers(value) && value.entry !== undefined;
  const is_filled = !isMembers(value) || is_whole || !fields_about_a_number.includes(field);
  return graphDelivery(channel, field, 'raw', is_filled ? value : graphValue(channel, value));
}
