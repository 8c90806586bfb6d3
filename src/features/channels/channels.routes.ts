import { Type } from '@sinclair/typebox';
import { scopeOf } from '../../http/authenticate.ts';
import { cursor_invalid, readPage, toPage } from '../../http/pagination.ts';
import type { App } from '../../http/server.ts';
import type { AddressGuard } from '../../outbound/address-guard.ts';
import { Closed, Id, page_query } from '../../schema.ts';
import { phone_area_code_missing, phone_invalid } from '../contacts/phone-number.ts';
import { channel_not_found, team_not_found } from '../references.ts';
import { toChannel } from './channel-view.ts';
import { findChannel, listChannels } from './channels.repository.ts';
import { Channel, ChannelPage, channel_schemas, NewChannel } from './channels.schema.ts';
import { checkChannel } from './check-channel.ts';
import { channel_exists, createChannel, url_not_allowed } from './create-channel.ts';
import type { Outside } from './provider-call.ts';

const tags = ['Channels'];
const ChannelPath = Closed({ channel_id: Id('The channel.') });

interface Dependencies {
  guard: AddressGuard;
  outside: Outside;
  public_url: string;
}

export function channelRoutes(app: App, { guard, outside, public_url }: Dependencies): void {
  for (const schema of channel_schemas) app.addSchema(schema);

  app.get(
    '/v1/channels',
    {
      config: { scope: 'channels:read', problems: [cursor_invalid] },
      schema: {
        operationId: 'listChannels',
        tags,
        summary: 'List channels',
        querystring: Closed(page_query),
        response: { 200: Type.Ref(ChannelPage) },
      },
    },
    async (request) => {
      const page = readPage(request.query);
      return toPage(await listChannels(scopeOf(request), page), page.limit, (row) => toChannel(row, public_url));
    },
  );

  app.post(
    '/v1/channels',
    {
      config: {
        scope: 'channels:write',
        problems: [team_not_found, channel_exists, url_not_allowed, phone_invalid, phone_area_code_missing],
      },
      schema: {
        operationId: 'createChannel',
        tags,
        summary: 'Add a channel',
        description: 'Credentials go in, are sealed, and never come out. The provider is not asked.',
        body: Type.Ref(NewChannel),
        response: { 201: Type.Ref(Channel) },
      },
    },
    async (request, reply) => {
      const row = await createChannel(scopeOf(request), guard, request.body);
      return reply.code(201).header('location', `/v1/channels/${row.id}`).send(toChannel(row, public_url));
    },
  );

  app.get(
    '/v1/channels/:channel_id',
    {
      config: { scope: 'channels:read', problems: [channel_not_found] },
      schema: {
        operationId: 'getChannel',
        tags,
        summary: 'Read a channel',
        params: ChannelPath,
        response: { 200: Type.Ref(Channel) },
      },
    },
    async (request) => {
      const { channel_id } = request.params;
      const row = await findChannel(scopeOf(request), channel_id);
      if (!row) throw channel_not_found({ pointer: ':channel_id', params: { id: channel_id } });
      return toChannel(row, public_url);
    },
  );

  app.post(
    '/v1/channels/:channel_id/check',
    {
      config: { scope: 'channels:write', problems: [channel_not_found] },
      schema: {
        operationId: 'checkChannel',
        tags,
        summary: 'Ask the provider how a channel is',
        description:
          'Answers the channel with its fresh `status`. This is how a disconnected or restricted one comes back.',
        params: ChannelPath,
        response: { 200: Type.Ref(Channel) },
      },
    },
    async (request) => {
      const row = await checkChannel(scopeOf(request), outside, public_url, request.params.channel_id);
      return toChannel(row, public_url);
    },
  );
}
