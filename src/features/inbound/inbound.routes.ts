import { Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import type { Context } from '../../context.ts';
import { body_too_large } from '../../http/problem-handler.ts';
import type { App } from '../../http/server.ts';
import type { Wake } from '../../lanes/wake.ts';
import { Closed, Id } from '../../schema.ts';
import type { Vaults } from '../accounts/vaults.ts';
import { inbound_topic } from './inbound-lane.ts';
import { createDoor, inbound_problems } from './receive-body.ts';

/** Meta says 3 MB at most. */
const body_limit_bytes = 3.5 * 1024 * 1024;
const tags = ['Inbound'];
const ChannelPath = Closed({ channel_id: Id('The channel.') });
const TokenPath = Closed({
  channel_id: Id('The channel.'),
  token: Type.String({ minLength: 8, maxLength: 200, description: "The channel's `verify_token`." }),
});
const plain = (description: string, example: string) => ({
  200: { description, content: { 'text/plain': { schema: { type: 'string', description, examples: [example] } } } },
});
const response = plain('Stored; what it says is worked on next.', 'ok');

interface Dependencies {
  ctx: Context;
  vaults: Vaults;
  wake: Wake;
}

/** The door for providers, in a part of its own: bodies are taken as bytes, whatever they call themselves. */
export function inboundRoutes(app: App, { ctx, vaults, wake }: Dependencies): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body: Buffer, done) => done(null, body));
  const door = createDoor({ ctx, vaults });
  const receive = async (request: FastifyRequest, channel_id: string, token: string | null) => {
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    await door.receive({ id: request.id, channel_id, token, raw, headers: request.headers });
    wake.call(inbound_topic);
    return 'ok';
  };

  app.get(
    '/v1/inbound/:channel_id',
    {
      config: { public: true, problems: inbound_problems },
      schema: {
        operationId: 'answerInboundHandshake',
        tags,
        summary: "Answer a provider's handshake",
        description: "For Cloud API: `hub.challenge` as it came, when `hub.verify_token` is the channel's.",
        params: ChannelPath,
        response: plain('The challenge.', '1158201444'),
      },
    },
    async (request, reply) => {
      const query = request.query as Record<string, unknown>;
      return reply.type('text/plain; charset=utf-8').send(await door.answerHandshake(request.params.channel_id, query));
    },
  );

  app.post(
    '/v1/inbound/:channel_id',
    {
      bodyLimit: body_limit_bytes,
      config: { public: true, problems: [...inbound_problems, body_too_large] },
      schema: {
        operationId: 'receiveInbound',
        tags,
        summary: "Take a provider's call",
        description:
          'For providers, not for integrators. Authenticated as the provider does it: `X-Hub-Signature-256` (Cloud API), `X-Webhook-Hmac` (WAHA), else `x-conversar-token`. Stored, then answered.',
        params: ChannelPath,
        response,
      },
    },
    async (request, reply) =>
      reply.type('text/plain; charset=utf-8').send(await receive(request, request.params.channel_id, null)),
  );

  app.post(
    '/v1/inbound/:channel_id/:token',
    {
      bodyLimit: body_limit_bytes,
      config: { public: true, problems: [...inbound_problems, body_too_large] },
      schema: {
        operationId: 'receiveInboundByToken',
        tags,
        summary: "Take a gateway's call",
        description: 'For gateways that can send no header: the token stands in the path.',
        params: TokenPath,
        response,
      },
    },
    async (request, reply) => {
      const { channel_id, token } = request.params;
      return reply.type('text/plain; charset=utf-8').send(await receive(request, channel_id, token));
    },
  );
}
