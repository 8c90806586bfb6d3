import type { FastifyInstance } from 'fastify';
import type { ReceivedFilter } from './received.ts';
import type { Simulation } from './simulation.ts';

const default_limit = 1_000;
const max_limit = 100_000;

const filters = {
  to: { type: 'string', maxLength: 200 },
  channel: { type: 'string', maxLength: 128 },
  protocol: { enum: ['graph', 'evolution', 'waha', 'zapi', 'wppconnect'] },
  correlator: { type: 'string', maxLength: 512 },
  accepted: { type: 'boolean' },
  after: { type: 'integer', minimum: 0 },
};
const limit = { type: 'integer', minimum: 1, maximum: max_limit, default: default_limit };

/** `/_received`: what arrived over either protocol, for tests and the demo to look at. */
export function receivedRoutes(app: FastifyInstance, simulation: Simulation): void {
  const { received } = simulation;

  app.get<{ Querystring: ReceivedFilter & { limit: number } }>(
    '/_received',
    { schema: { querystring: { type: 'object', additionalProperties: false, properties: { ...filters, limit } } } },
    (request) => {
      const found = received.list(request.query);
      const data = found.slice(0, request.query.limit);
      const next_after = data.length < found.length ? (data.at(-1)?.id ?? null) : null;
      return { data, total: found.length, next_after, dropped: received.dropped() };
    },
  );

  app.get<{ Querystring: ReceivedFilter }>(
    '/_received/count',
    { schema: { querystring: { type: 'object', additionalProperties: false, properties: filters } } },
    (request) => {
      const found = received.list(request.query);
      const accepted = found.filter((entry) => entry.accepted).length;
      return { count: found.length, accepted, dropped: received.dropped() };
    },
  );

  app.delete('/_received', (_, reply) => {
    received.clear();
    simulation.attempts.clear();
    return reply.code(204).send();
  });
}
