import { Type } from '@sinclair/typebox';
import { Closed, OneOf } from '../schema.ts';
import type { App } from './server.ts';

const Health = Closed(
  { status: OneOf(['ok', 'unavailable']) },
  { $id: 'Health', title: 'Health', description: 'Whether it works.', examples: [{ status: 'ok' }] },
);

/** Liveness never asks the database; readiness does, within 1.5 s. */
export function healthRoutes(app: App, isDatabaseReady: () => Promise<boolean>): void {
  app.addSchema(Health);
  app.get(
    '/health/live',
    {
      config: { public: true },
      schema: {
        operationId: 'healthLive',
        tags: ['Operators'],
        summary: 'The process runs',
        response: { 200: Type.Ref(Health) },
      },
    },
    async () => ({ status: 'ok' as const }),
  );
  app.get(
    '/health/ready',
    {
      config: { public: true },
      schema: {
        operationId: 'healthReady',
        tags: ['Operators'],
        summary: 'The service can take requests',
        response: {
          200: Type.Ref(Health, { description: 'Requests are taken.' }),
          503: Type.Ref(Health, { description: 'The database cannot be reached.' }),
        },
      },
    },
    async (_, reply) => {
      const is_ready = await isDatabaseReady();
      return reply.code(is_ready ? 200 : 503).send({ status: is_ready ? 'ok' : 'unavailable' });
    },
  );
}
