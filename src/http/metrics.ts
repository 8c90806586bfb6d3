import { Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import { bearerIs, unauthorized } from './authenticate.ts';
import type { App } from './server.ts';

/** What is told of each answered request. */
export interface RequestMetrics {
  requestAnswered: (request: {
    route: string;
    method: string;
    status: number;
    duration_s: number;
    problem_code: string | null;
    is_replay: boolean;
  }) => void;
}

/** Where a request's problem is kept between its answer and what is said of it. */
export const problemCodeOf = (request: FastifyRequest) => request.getDecorator<string | null>('problem_code');

/** Tells `metrics` of every request. Call before the routes, and before what may refuse one. */
export function measureRequests(server: App, metrics: RequestMetrics): void {
  server.decorateRequest('problem_code', null);
  server.addHook('onSend', async (request, reply, payload) => {
    if (!String(reply.getHeader('content-type')).startsWith('application/problem+json')) return;
    request.setDecorator('problem_code', readCode(payload));
  });
  server.addHook('onResponse', async (request, reply) => {
    metrics.requestAnswered({
      route: request.routeOptions.url ?? 'none',
      method: request.method,
      status: reply.statusCode,
      duration_s: reply.elapsedTime / 1000,
      problem_code: problemCodeOf(request),
      is_replay: reply.getHeader('idempotent-replayed') !== undefined,
    });
  });
}

/** The one place where all refusals meet: thrown ones and stored ones. */
function readCode(payload: unknown): string | null {
  if (typeof payload !== 'string') return null;
  const { code } = JSON.parse(payload) as { code?: unknown };
  return typeof code === 'string' ? code : null;
}

interface MetricsRoute {
  expose: () => Promise<{ content_type: string; text: string }>;
  /** Null: whoever reaches it may read. */
  token: string | null;
}

/** `GET /metrics`; with a token only for who presents it. */
export function metricsRoute(app: App, { expose, token }: MetricsRoute): void {
  const mayRead = token === null ? () => true : bearerIs(token);
  app.get(
    '/metrics',
    {
      config: { public: true, problems: [unauthorized] },
      schema: {
        operationId: 'readMetrics',
        tags: ['Operators'],
        summary: 'Read metrics of this process',
        description:
          "In Prometheus's text format. With `CONVERSAR_METRICS_TOKEN` set it takes that token as `Authorization: Bearer`; without, whoever reaches it may read.",
        response: {
          200: {
            description: 'All metrics.',
            content: {
              'text/plain': { schema: Type.String({ examples: ['conversar_starts_total{result="started"} 1'] }) },
            },
          },
        },
      },
    },
    async (request, reply) => {
      if (!mayRead(request)) throw unauthorized();
      const { content_type, text } = await expose();
      return reply.type(content_type).send(text);
    },
  );
}
